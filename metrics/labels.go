package metrics

import (
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// other stands for every value that is not of a closed set. A label that grows
// with what clients send would fill the memory of Prometheus and of this
// process.
const other = "other"

// operation is what a request asked for: an operation, or the route or
// protocol method of what is none.
func operation(r bridge.Receipt) string {
	if r.Operation == "" {
		return r.Route // a pattern of the door's own table
	}
	return asked(r.Operation)
}

// asked is the name of an operation or of a resource's.
func asked(name string) string {
	if _, known := bridge.FindResource(name); known {
		return name
	}
	return kind(name)
}

func kind(name string) string {
	if _, known := bridge.FindOperation(name); known {
		return name
	}
	return other
}

func rule(id string) string {
	if id == "" {
		return ""
	}
	if _, known := policies.RuleByID(id); known {
		return id
	}
	return other
}

// step is a step's name without the number of image_1, image_2 and so on.
func step(name string) string { return strings.TrimRight(name, "_0123456789") }
