package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"

	"golang.org/x/crypto/bcrypt"
)

// secretCost is bcrypt's work factor. Client secrets are long random strings,
// which no offline search finds at any cost; ten (about 50 ms) is the least
// that also protects a secret somebody chose by hand, and a token is asked for
// once an hour, not once a request.
const secretCost = 10

// absentHash is the hash of nothing anybody knows (32 random bytes, thrown
// away). A client that does not exist is compared with it, so that its answer
// takes as long as a real client's wrong secret.
const absentHash = "$2a$10$VIvszYu7GKpvUO0lgA7Qd.bwaVIoAqJxjP649dvc06phitYGHdJa6"

// HashSecret hashes a client secret for the database. bcrypt reads 72 bytes at
// most, so the secret goes in as hex SHA-256 (64 bytes): no length is cut off.
func HashSecret(secret string) string {
	hash, err := bcrypt.GenerateFromPassword(prehash(secret), secretCost)
	if err != nil {
		// Only a cost out of range or an input over 72 bytes fails, and both
		// are constants here.
		panic("auth: bcrypt refused a fixed-size input: " + err.Error())
	}
	return string(hash)
}

// SecretMatches reports whether hash was made from secret. An empty hash (an
// unknown client) matches nothing and takes as long as a wrong secret.
func SecretMatches(hash, secret string) bool {
	known := hash != ""
	if !known {
		hash = absentHash
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), prehash(secret))
	return known && secret != "" && err == nil
}

// SameSecret compares a secret given by configuration with a presented one in
// constant time, over SHA-256 so that the length does not show either. An
// empty secret equals nothing, not even another empty one: a setting left
// blank must not open a door.
func SameSecret(configured, presented string) bool {
	a, b := sha256.Sum256([]byte(configured)), sha256.Sum256([]byte(presented))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && configured != ""
}

func prehash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return []byte(hex.EncodeToString(sum[:]))
}

// NewSecret makes a secret of 32 random bytes, in hex.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
