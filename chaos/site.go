package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"sync"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// site is everything a storm rages over: the processes, each kept running, and
// the shop inside this program.
type site struct {
	dir       string
	database  *database
	processes []*process
	doors     []string // URLs of the REST nodes
	shop      *sandbox.Shop

	keeping sync.WaitGroup
	die     context.CancelFunc
	closers []func() // in the order of opening
}

func (s *site) onClose(f func()) { s.closers = append(s.closers, f) }

// close ends every process and takes the folder away.
func (s *site) close() {
	for at := len(s.closers) - 1; at >= 0; at-- {
		s.closers[at]()
	}
}

// build starts everything and waits until it works. The site it gives must be
// closed, also beside an error.
func build(ctx context.Context, o options, w *workload, pictures string) (*site, error) {
	s := &site{}
	dir, err := os.MkdirTemp("", "bridge-chaos-")
	if err != nil {
		return s, err
	}
	s.dir = dir
	s.onClose(func() { s.clear(o.keep) })
	programs, err := findPrograms()
	if err != nil {
		return s, err
	}
	binary, err := buildBridge(ctx, dir, o.race)
	if err != nil {
		return s, err
	}
	address, err := s.openShop(w)
	if err != nil {
		return s, err
	}
	if s.database, err = newMariaDB(ctx, programs, dir); err != nil {
		return s, err
	}
	redis, redisAddress := newRedis(programs, dir)
	around := surroundings{dir: dir, databaseURL: s.database.url, redis: redisAddress, shopURL: address, pictures: pictures}
	return s, s.start(ctx, around, binary, redis)
}

// halt ends every process for good; the shop stays.
func (s *site) halt() {
	s.die()
	s.keeping.Wait()
}

func (s *site) clear(keep bool) {
	if keep {
		fmt.Fprintln(os.Stderr, "kept:", s.dir)
		return
	}
	_ = os.RemoveAll(s.dir)
}

func (s *site) openShop(w *workload) (address string, err error) {
	if s.shop, err = sandbox.New(sandbox.Options{Key: shopKey, Catalogue: w.catalogue}); err != nil {
		return "", err
	}
	address, stop, err := s.shop.Listen("127.0.0.1:0")
	if err == nil {
		s.onClose(stop)
	}
	return address, err
}

// start brings the servers up, then the nodes. The first REST node comes alone:
// it makes the keys and the tables that all share.
func (s *site) start(ctx context.Context, around surroundings, binary string, redis *process) error {
	// Whatever ends ctx, the processes live until close.
	var living context.Context
	living, s.die = context.WithCancel(context.WithoutCancel(ctx))
	s.onClose(s.halt)
	s.onClose(func() { _ = s.database.sql.Close() })
	if err := s.raise(ctx, living, s.database.process, redis); err != nil {
		return err
	}
	if _, err := s.database.sql.ExecContext(ctx, "CREATE DATABASE "+databaseName); err != nil {
		return fmt.Errorf("the database cannot be made: %w", err)
	}
	var rest, workers []*process
	for number := range restNodes {
		node, url := around.newNode(binary, kindREST, "rest,mcp", number+1)
		rest, s.doors = append(rest, node), append(s.doors, url)
	}
	for number := range workerNodes {
		node, _ := around.newNode(binary, kindWorker, "worker", number+1)
		workers = append(workers, node)
	}
	return errors.Join(
		s.raise(ctx, living, rest[0]),
		s.raise(ctx, living, append(rest[1:], workers...)...),
	)
}

// raise starts processes and waits for all of them.
func (s *site) raise(ctx, living context.Context, processes ...*process) error {
	for _, p := range processes {
		s.processes = append(s.processes, p)
		s.keeping.Go(func() { p.keep(living) })
	}
	for _, p := range processes {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// recover waits until every process works again.
func (s *site) recover(ctx context.Context) error {
	for _, p := range s.processes {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// crash matches what the Go runtime says when a program breaks.
var crash = regexp.MustCompile(`(?m)^(panic: |fatal error: |WARNING: DATA RACE|.*"?a job panicked).*`)

// crashes looks through the logs of the nodes.
func (s *site) crashes() []finding {
	var found []finding
	for _, p := range s.processes {
		text, err := os.ReadFile(p.logPath())
		if err != nil || p.kind == kindMariaDB || p.kind == kindRedis {
			continue
		}
		for _, line := range crash.FindAllString(string(text), -1) {
			found = append(found, finding{faultCrash, nil, p.name + ": " + line})
		}
	}
	return found
}

// strays counts the jobs in the database against those the client knows.
func (s *site) strays(ctx context.Context, known []*intention) ([]finding, error) {
	rows, err := s.database.sql.QueryContext(ctx, "SELECT id FROM "+databaseName+".jobs")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ours := map[string]*intention{}
	var found []finding
	for _, in := range known {
		if twin := ours[in.jobID]; twin != nil {
			found = append(found, finding{faultLost, in, "shares its job with " + twin.requestID})
		}
		ours[in.jobID] = in
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		if ours[id] == nil {
			found = append(found, finding{faultStray, nil, "job " + id})
		}
		delete(ours, id)
	}
	for id, in := range ours {
		found = append(found, finding{faultLost, in, "job " + id + " is not in the database"})
	}
	return found, rows.Err()
}

// stream is a source of chance of its own for each purpose, so that one that is
// asked more often does not change the others.
func stream(seed uint64, purpose string) *rand.Rand {
	var number uint64
	for _, letter := range []byte(purpose) {
		number = number*31 + uint64(letter)
	}
	return rand.New(rand.NewPCG(seed, number))
}
