package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/prestashop-bridge/bridge/tools"
)

// version is the program's version; CHANGELOG.md tells what is in it.
const version = "0.1.0"

func printVersion(_ context.Context, p process) error {
	if err := parse(p, flags(p, "version")); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "bridge %s (%s, %s/%s), MCP surface %d\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, tools.SurfaceVersion)
	return nil
}
