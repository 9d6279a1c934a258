package rest

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// Overridden is the request that a POST to the compatibility door stands for.
var Overridden = overridden

// Limits are the door's figures for docs/rest.md, which has no other access to
// them.
func Limits() [][2]string {
	number := func(n int) string { return strconv.Itoa(n) }
	seconds := func(d time.Duration) string { return number(int(d.Seconds())) + " s" }
	server := (&Door{Gate: &bridge.Gate{}, Log: slog.New(slog.DiscardHandler)}).Server("")
	return [][2]string{
		{"body, as sent and decoded", number(policies.DefaultMaxPayloadBytes) + " bytes; one more is a 413 (`MAX_PAYLOAD_BYTES`)"},
		{"gzip recommended", "above " + number(gzipRecommendedAbove) + " bytes: the answer carries a `Warning` (`GZIP_RECOMMENDED_ABOVE_BYTES`)"},
		{"gzip required", "above " + number(gzipRequiredAbove) + " bytes: else 415 (`GZIP_REQUIRED_ABOVE_BYTES`)"},
		{"`X-Timestamp`", "at most " + seconds(signatureWindow) + " from the bridge's clock, both ends included"},
		{"requests", "100 reads and 20 writes a minute for each client, on all nodes together (`RATE_LIMIT_READ`, `RATE_LIMIT_WRITE`)"},
		{"token requests", number(attemptLimits.Pair) + " a minute for a client at an address, " + number(attemptLimits.Source) + " for an address, on each node"},
		{"token request body", number(maxTokenBody) + " bytes"},
		{"headers", number(server.MaxHeaderBytes) + " bytes and a little; more is a 431"},
		{"patience", "headers " + seconds(server.ReadHeaderTimeout) + ", whole request " + seconds(server.ReadTimeout) + ", idle connection " + seconds(server.IdleTimeout)},
		{"large bodies", "above " + number(smallBody) + " bytes take turns; one that gets none within " + seconds(budgetPatience) + " is a 503 `overloaded`"},
	}
}
