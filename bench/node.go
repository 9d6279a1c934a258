package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

const shopKey = "BENCHBENCHBENCHBENCHBENCHBENCH01"

// stall is a stand-in shop in this process, with its address.
type stall struct {
	*sandbox.Shop
	url string
}

// sandbox opens a stand-in shop with so many products; latency nil is none.
// It stays open to the end of the run.
func (b *bench) sandbox(products int, latency sandbox.Latency) (stall, error) {
	catalogue := sandbox.DemoCatalogue()
	catalogue.Products, catalogue.Orders = nil, nil
	for id := 1; id <= products; id++ {
		catalogue.Products = append(catalogue.Products, sandbox.Item{
			ID: id, Reference: fmt.Sprintf("BENCH-%d", id), Price: "9.90", Shelf: 3, Quantity: 10,
			Name: sandbox.Texts{1: fmt.Sprintf("Product %d", id), 2: fmt.Sprintf("Produit %d", id)},
		})
	}
	shop, err := sandbox.New(sandbox.Options{Key: shopKey, Catalogue: catalogue, Latency: latency})
	if err != nil {
		return stall{}, err
	}
	url, _, err := shop.Listen("127.0.0.1:0")
	return stall{shop, url}, err
}

// node starts the product's binary with the named parts and, where given, more
// settings as NAME=value.
func (b *bench) node(ctx context.Context, at where, shop stall, parts string, settings ...string) (*process, string, error) {
	binary, err := b.binary(ctx)
	if err != nil {
		return nil, "", err
	}
	name := "serve-" + randomText()
	dir, err := b.folder(name)
	if err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	url := "http://" + loopback(port)
	// All that a node sees: nothing of ours leaks into it.
	environment := []string{
		"APP_ENV=production", "BRIDGE_BASE_URL=" + baseURL, "STATE_DIR=" + filepath.Join(dir, "state"),
		"DATABASE_URL=" + at.database, "REDIS_DSN=" + at.redis,
		"OAUTH_CLIENT_ID=" + clientID, "OAUTH_CLIENT_SECRET=" + clientSecret, "HMAC_SECRET_CURRENT=" + hmacSecret,
		fmt.Sprintf("RATE_LIMIT_READ=%d", mostRequests), fmt.Sprintf("RATE_LIMIT_WRITE=%d", mostRequests),
		"PRESTASHOP_URL=" + shop.url, "PRESTASHOP_WS_KEY=" + shopKey, "LOG_PATH=" + filepath.Join(dir, "bridge.log"),
	}
	server, err := start(ctx, launch{
		name: name, dir: dir, env: append(environment, settings...), command: []string{binary, "serve", "--only", parts, "--listen", loopback(port)},
		answers: func(ctx context.Context) error { return askReady(ctx, url) },
	})
	return server, url, err
}

func askReady(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %d", answer.StatusCode)
	}
	return nil
}

// jobKind is no operation of the doors, so only blankShop knows what it takes.
const jobKind = "bench_nothing"

// newJob is an accepted job of its own client's request, target and payload.
func newJob() bridge.Job {
	return bridge.Job{
		ID: newJobID(), Kind: jobKind, ClientID: clientID, RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: priceChange(0), Targets: []string{productTarget()}, MaxAttempts: 5, AcceptedAt: time.Now().UTC(),
	}
}

// together runs goroutines to their ends and adds up what they did.
func together(n int, do func(i int) (int, error)) (total int, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			did, failed := do(i)
			mu.Lock()
			defer mu.Unlock()
			total, err = total+did, errors.Join(err, failed)
		})
	}
	all.Wait()
	return total, err
}
