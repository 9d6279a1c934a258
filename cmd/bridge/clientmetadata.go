package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// metadataFlags are what bridge clients add is told of a client beside its
// limits.
type metadataFlags struct {
	name, keysFile, keysURI string
	redirectURIs            []string
	public                  bool
}

func (f *metadataFlags) define(set *flag.FlagSet) {
	set.StringVar(&f.name, "name", "", "add: what people are shown as the app's name")
	set.StringVar(&f.keysFile, "jwks-file", "", "add: JWK Set with the public keys it signs client assertions with (private_key_jwt)")
	set.StringVar(&f.keysURI, "jwks-uri", "", "add: https address of that JWK Set")
	set.BoolVar(&f.public, "public", false, "add: the app can keep no secret, as it runs on people's machines")
	set.Func("redirect-uri", "add: where people are sent back to after they log in", func(uri string) error {
		f.redirectURIs = append(f.redirectURIs, uri)
		return bridge.CheckRedirectURI(uri)
	})
}

// read gives the metadata, with the keys out of their file.
func (f metadataFlags) read() (bridge.ClientMetadata, error) {
	m := bridge.ClientMetadata{Name: f.name, RedirectURIs: f.redirectURIs, KeysURI: f.keysURI}
	keyed := f.keysFile != "" || f.keysURI != ""
	switch {
	case f.public && keyed:
		return m, errors.New("a --public client has no keys")
	case f.public:
		m.AuthMethod = bridge.AuthNothing
	case keyed:
		m.AuthMethod = bridge.AuthKey
	}
	if f.keysFile == "" {
		return m, nil
	}
	file, err := os.Open(f.keysFile)
	if err != nil {
		return m, fmt.Errorf("--jwks-file: %w", err)
	}
	defer file.Close()
	m.Keys, err = io.ReadAll(io.LimitReader(file, auth.MaxWebKeysBytes+1))
	if err != nil {
		return m, fmt.Errorf("--jwks-file: %w", err)
	}
	return m, nil
}
