package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	// writeTimeout is what each of the two changes gets from request to end.
	writeTimeout = 2 * time.Minute
	// writePoll is how often its job is looked at.
	writePoll = 200 * time.Millisecond
)

// checkWrite changes a product's stock by one and back, as a client would. Once
// the first change is in the shop the second is made even if the caller gives
// up, so that an interrupted check leaves the stock as it was.
func (s *site) checkWrite(ctx context.Context) finding {
	if s.writeTest == 0 {
		return skip("not asked for; --write-test PRODUCT_ID changes that product's stock by +1 and back")
	}
	p, err := assemble(ctx, s.config, quiet())
	if err != nil {
		return fail("%v", err)
	}
	defer p.close()
	w := writeTest{parts: p, shop: s.shopName, product: s.writeTest}
	before, err := w.stock(ctx)
	if err != nil {
		return fail("the stock of product %d cannot be read: %v", w.product, err).mend("Name a product of the shop without combinations.")
	}
	ctx = context.WithoutCancel(ctx)
	shown, jobs := []string{fmt.Sprint(before)}, []string{}
	for _, delta := range []int64{+1, -1} {
		jobID, err := w.change(ctx, delta)
		if err != nil {
			return w.failed(jobID, delta, err)
		}
		jobs = append(jobs, jobID)
		if now, err := w.stock(ctx); err == nil {
			shown = append(shown, fmt.Sprint(now))
		} else {
			shown = append(shown, "unreadable")
		}
	}
	saw := strings.Join(shown, ", ")
	if saw != fmt.Sprintf("%d, %d, %d", before, before+1, before) {
		return fail("both jobs succeeded, but product %d shows a stock of %s", w.product, saw).
			mend("Somebody may have sold or counted meanwhile. What each change found and left: bridge jobs show %s", strings.Join(jobs, ", bridge jobs show "))
	}
	return pass("stock of product %d: %s", w.product, saw)
}

// writeTest is a client and a worker for one product.
type writeTest struct {
	parts   *parts
	shop    string
	product int64
}

func (w writeTest) stock(ctx context.Context) (int64, error) {
	shop, err := w.parts.shops.Shop(ctx, w.shop)
	if err != nil {
		return 0, err
	}
	product, err := shop.Product(ctx, w.product)
	return int64(product.Stock.Quantity), err
}

// change asks for a stock difference at the desk and waits for the job's end.
// A running bridge may work on it; so does this process, because there may be
// none.
func (w writeTest) change(ctx context.Context, delta int64) (jobID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	answer, err := w.parts.desk.Do(ctx, bridge.Actor{ClientID: checkClient, Shop: w.shop, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}, bridge.Request{
		Operation: bridge.OpUpdateProduct, RequestID: uuid.NewString(), Method: "POST",
		Arguments: fmt.Appendf(nil, `{"product_id":%d,"updates":{"stock_delta":%d}}`, w.product, delta),
	})
	if err != nil {
		return "", err
	}
	jobID = answer.Acceptance.JobID
	return jobID, w.follow(ctx, jobID)
}

func (w writeTest) follow(ctx context.Context, jobID string) error {
	c := w.parts.config
	worker := &bridge.Worker{
		Ledger: w.parts.store, Shops: w.parts.shops, Node: nodeName(), Lease: jobLease,
		AttemptTimeout: c.jobTimeout, Settle: c.shopSettle, MaxWait: c.jobMaxWait, Now: time.Now, Log: quiet(),
	}
	for {
		if err := unlessTaken(worker.Run(ctx, jobID)); err != nil {
			return err
		}
		job, err := w.parts.store.Job(ctx, jobID)
		switch {
		case err != nil:
			return err
		case job.Status == schemas.Succeeded:
			return nil
		case job.Status.Terminal() && job.Error != nil:
			return fmt.Errorf("it ended %s: %s", job.Status, job.Error.Message)
		case job.Status.Terminal():
			return fmt.Errorf("it ended %s", job.Status)
		}
		pause := time.NewTimer(writePoll)
		select {
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("it is still %s", job.Status)
		case <-pause.C:
		}
	}
}

// failed says what became of a change that did not succeed, and what that means
// for the stock.
func (w writeTest) failed(jobID string, delta int64, err error) finding {
	var refused *bridge.Error
	if jobID == "" && errors.As(err, &refused) {
		err = errors.New(refused.Message)
	}
	f := fail("stock of product %d by %+d: %v", w.product, delta, err)
	if jobID != "" {
		f.detail = fmt.Sprintf("stock of product %d by %+d, job %s: %v", w.product, delta, jobID, err)
	}
	switch {
	case delta < 0:
		return f.mend("The stock is one too high now: find out why with bridge jobs show JOB_ID, then take one off.")
	case jobID == "":
		return f.mend("Nothing was changed. Name a product of the shop without combinations.")
	}
	return f.mend("bridge jobs show %s; as long as it is accepted or retrying, bridge jobs cancel %s ends it.", jobID, jobID)
}
