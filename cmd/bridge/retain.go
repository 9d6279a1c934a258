package main

import (
	"context"
	"time"

	"github.com/prestashop-bridge/bridge/store"
)

// retainEvery is how often the worker process looks for what may go.
const retainEvery = time.Hour

// retain removes what is older than the settings keep, at start and every
// hour, until ctx ends. A failure is logged; the next hour tries again.
func (p *parts) retain(ctx context.Context) {
	policy := store.Retention{Idempotency: p.config.idempotencyRetention, Failed: p.config.failedRetention}
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		removed, err := p.store.Retain(ctx, policy)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.log.Warn("retention failed; it is tried again in an hour", "error", err)
		case removed > 0:
			p.log.Info("jobs past their retention removed", "jobs", removed)
		}
		if err := p.store.RetainGrants(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("retention of grants failed; it is tried again in an hour", "error", err)
		}
		switch removed, err := p.store.RetainDeliveries(ctx, p.config.webhookRetention); {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.log.Warn("retention of deliveries failed; it is tried again in an hour", "error", err)
		case removed > 0:
			p.log.Info("deliveries past their retention removed", "deliveries", removed)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// work runs the worker's side of the program until ctx ends and the running
// jobs are back.
func (p *parts) work(ctx context.Context) error {
	retained := make(chan struct{})
	go func() {
		defer close(retained)
		p.retain(ctx)
	}()
	err := p.runner.Run(ctx)
	<-retained
	return err
}
