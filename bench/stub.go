package main
import "context"
func measureJobs(ctx context.Context, b *bench) error {return nil}
func measurePickup(ctx context.Context, b *bench) error {return nil}
func measureSecurity(ctx context.Context, b *bench) error {return nil}
func measureReads(ctx context.Context, b *bench) error {return nil}
func measureImport(ctx context.Context, b *bench) error {return nil}
func measureMemory(ctx context.Context, b *bench) error {return nil}
func measureHistory(ctx context.Context, b *bench) error {return nil}
