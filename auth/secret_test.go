package auth

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestSecretHash(t *testing.T) {
	long := strings.Repeat("a", 100)
	hash := HashSecret(long + "1")
	if !SecretMatches(hash, long+"1") {
		t.Error("the own secret is refused")
	}
	// bcrypt alone reads 72 bytes and would take both for the same.
	if SecretMatches(hash, long+"2") {
		t.Error("a secret that differs after 72 bytes is accepted")
	}
	if strings.Contains(hash, "aaaa") || hash == HashSecret(long+"1") {
		t.Error("the hash shows the secret or has no salt")
	}
	for name, c := range map[string][2]string{
		"unknown client":        {"", "x"},
		"unknown client, empty": {"", ""},
		"broken hash":           {"$2a$10$", "x"},
		"empty secret":          {HashSecret(""), ""},
	} {
		if SecretMatches(c[0], c[1]) {
			t.Errorf("%s is accepted", name)
		}
	}
	if cost, err := bcrypt.Cost([]byte(absentHash)); err != nil || cost != secretCost {
		t.Errorf("the stand-in hash has cost %d (%v): its time would tell which clients exist", cost, err)
	}
}

func TestSameSecret(t *testing.T) {
	if !SameSecret("abc", "abc") || SameSecret("abc", "abd") || SameSecret("abc", "") || SameSecret("", "abc") {
		t.Error("SameSecret compares wrongly")
	}
	if SameSecret("", "") {
		t.Error("an unset secret equals an empty one")
	}
}
