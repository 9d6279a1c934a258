package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// program is what is built and run as a node.
const program = "github.com/prestashop-bridge/bridge/cmd/bridge"

// The nodes of a storm.
const (
	restNodes   = 2
	workerNodes = 2
)

// The identity all requests are sent with. These secrets open nothing but a
// bridge on loopback that lives for minutes.
const (
	clientID     = "chaos"
	clientSecret = "chaos-secret-of-a-short-life"
	hmacSecret   = "chaos-signing-secret-of-a-short-life"
	shopKey      = "CHAOSCHAOSCHAOSCHAOSCHAOSCHAOS01"
)

// settleSeconds is SHOP_SETTLE_SECONDS. The stand-in shop keeps to it: no
// request runs longer in it after its connection was cut (slowest in shop.go).
const settleSeconds = 1

// leaseSeconds is how long a claim of the bridge holds without renewal.
const leaseSeconds = 8

// jobWorkers is JOB_WORKERS: enough that a job whose worker died need not wait
// for a free slot, so that resume times show the lease and not the load.
const jobWorkers = 32

// buildBridge makes the binary once. With the race detector in it, a race in
// any node is one more fault.
func buildBridge(ctx context.Context, dir string, race bool) (string, error) {
	binary := filepath.Join(dir, "bridge")
	arguments := []string{"build", "-o", binary}
	if race {
		arguments = append(arguments, "-race")
	}
	if said, err := exec.CommandContext(ctx, "go", append(arguments, program)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("the bridge cannot be built: %w\n%s", err, said)
	}
	return binary, nil
}

// surroundings are what the nodes of a storm are told about it.
type surroundings struct {
	dir, databaseURL, redis, shopURL, pictures string
}

// environment is all that a node sees: nothing of ours leaks into it.
func (s surroundings) environment() []string {
	return []string{
		"APP_ENV=test",
		// One issuer for both REST nodes: a token of one opens the other.
		"BRIDGE_BASE_URL=http://bridge.chaos.test",
		"STATE_DIR=" + filepath.Join(s.dir, "state"),
		"DATABASE_URL=" + s.databaseURL,
		"REDIS_DSN=redis://" + s.redis + "/0",
		"OAUTH_CLIENT_ID=" + clientID, "OAUTH_CLIENT_SECRET=" + clientSecret, "HMAC_SECRET_CURRENT=" + hmacSecret,
		"RATE_LIMIT_READ=1000000", "RATE_LIMIT_WRITE=1000000",
		"PRESTASHOP_URL=" + s.shopURL, "PRESTASHOP_WS_KEY=" + shopKey, "PRESTASHOP_EMPLOYEE_ID=1",
		"SHOP_TIMEOUT_SECONDS=10", "SHOP_SETTLE_SECONDS=" + strconv.Itoa(settleSeconds),
		"JOB_WORKERS=" + strconv.Itoa(jobWorkers),
		"IMAGE_ALLOWED_HOSTS=" + strings.TrimPrefix(s.pictures, "http://"),
	}
}

// newNode is a bridge that runs the named parts.
func (s surroundings) newNode(binary, kind, parts string, number int) (node *process, url string) {
	listen := loopback(freePort())
	url = "http://" + listen
	return &process{
		kind: kind, name: kind + "-" + strconv.Itoa(number), dir: s.dir, env: s.environment(),
		command: []string{binary, "serve", "--only", parts, "--listen", listen},
		answers: func(ctx context.Context) error { return askReady(ctx, url) },
	}, url
}

var healthClient = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func askReady(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := healthClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %d", answer.StatusCode)
	}
	return nil
}
