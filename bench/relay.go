package main

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// relayCommand runs this binary as the floor of the reads.
const relayCommand = "relay"

// runRelay answers every request with the shop's answer to the first of some
// calls, made side by side: the second HTTP hop and nothing else. It checks,
// counts, reads and records nothing.
func runRelay(ctx context.Context, arguments []string) error {
	var root, told string
	set := flag.NewFlagSet(relayCommand, flag.ContinueOnError)
	set.StringVar(&root, "shop", "", "URL of the shop")
	set.StringVar(&told, "calls", "", "the calls, as JSON")
	if err := set.Parse(arguments); err != nil {
		return err
	}
	var calls []sandbox.Request
	if err := json.Unmarshal([]byte(told), &calls); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	client := shopClient()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers, err := callAll(r.Context(), client, root, calls)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answers[0]) // who has gone away is counted by nobody
	})}
	return serveUntil(ctx, server, listener)
}

// relay starts such a server and gives its URL.
func (b *bench) relay(ctx context.Context, shop stall, calls []sandbox.Request) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	told, err := json.Marshal(calls)
	if err != nil {
		return nil, "", err
	}
	name := "relay-" + randomText()
	dir, err := b.folder("relays")
	if err != nil {
		return nil, "", err
	}
	var url string
	server, err := start(ctx, launch{
		name: name, dir: dir, command: []string{self, relayCommand, "--shop", shop.url, "--calls", string(told)},
		answers: func(context.Context) (err error) {
			url, err = readyLine(filepath.Join(dir, name+".log"))
			return err
		},
	})
	return server, url, err
}
