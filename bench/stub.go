package main

import "context"

func measureSecurity(ctx context.Context, b *bench) error { return nil }
func measureReads(ctx context.Context, b *bench) error    { return nil }
func measureImport(ctx context.Context, b *bench) error   { return nil }
func measureMemory(ctx context.Context, b *bench) error   { return nil }
func measureHistory(ctx context.Context, b *bench) error  { return nil }
