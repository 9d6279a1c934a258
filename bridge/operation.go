package bridge

import (
	"net/http"
	"strconv"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Operation is one capability. This table feeds the MCP tools, the REST
// routes, the scopes, the job kinds and the documentation; no name is written
// a second time.
type Operation struct {
	Name    string // MCP tool name, schema name and, for writes, job kind
	Title   string
	Summary string // what an agent reads before it calls
	Scope   string
	Write   bool
	Method  string // REST method
	Path    string // REST path, net/http pattern
	PathKey string // argument carried by the path, "" for writes
	Output  string // name of the schema of the answer
	// Destructive says that the effect overwrites what was there (MCP
	// destructiveHint).
	Destructive bool
}

// The six operations' names.
const (
	OpGetProduct        = "get_product"
	OpGetOrder          = "get_order"
	OpGetJobStatus      = "get_job_status"
	OpUpdateProduct     = "update_product"
	OpImportProducts    = "import_products"
	OpUpdateOrderStatus = "update_order_status"
)

// Operations are the six capabilities in the order clients see them.
var Operations = []Operation{
	{
		Name: OpGetProduct, Title: "Read a product", Scope: auth.ScopeRead,
		Summary: "Read one product: price before tax, names and SEO texts by language, stock, images.",
		Method:  http.MethodGet, Path: "/v1/products/{product_id}", PathKey: "product_id", Output: "product",
	},
	{
		Name: OpGetOrder, Title: "Read an order", Scope: auth.ScopeRead,
		Summary: "Read one order: status, totals, lines, carrier and tracking, history.",
		Method:  http.MethodGet, Path: "/v1/orders/{order_id}", PathKey: "order_id", Output: "order",
	},
	{
		Name: OpGetJobStatus, Title: "Follow a job", Scope: auth.ScopeRead,
		Summary: "Tell what became of an accepted write. Only business_success:true means done.",
		Method:  http.MethodGet, Path: "/v1/jobs/{job_id}", PathKey: "job_id", Output: "job",
	},
	{
		Name: OpUpdateProduct, Title: "Change a product", Scope: auth.ScopeWrite, Write: true, Destructive: true,
		Summary: "Ask for a new price before tax, a stock difference, SEO texts. Answers accepted, never done: follow job_id with get_job_status.",
		Method:  http.MethodPost, Path: "/v1/jobs/products/update", Output: "acceptance",
	},
	{
		Name: OpImportProducts, Title: "Import products", Scope: auth.ScopeWrite, Write: true, Destructive: true,
		Summary: "Create or update 1 to 50 products by reference. Answers accepted, never done: follow job_id with get_job_status.",
		Method:  http.MethodPost, Path: "/v1/jobs/products/import", Output: "acceptance",
	},
	{
		Name: OpUpdateOrderStatus, Title: "Move an order", Scope: auth.ScopeWrite, Write: true, Destructive: true,
		Summary: "Set an order's status and tracking number. No mail unless notify_customer. Answers accepted, never done: follow job_id with get_job_status.",
		Method:  http.MethodPost, Path: "/v1/jobs/orders/status", Output: "acceptance",
	},
}

// FindOperation looks an operation up by name.
func FindOperation(name string) (Operation, bool) {
	for _, op := range Operations {
		if op.Name == name {
			return op, true
		}
	}
	return Operation{}, false
}

// intent is a checked write: what it touches and, for imports, its batch.
// Targets are the things that must never have two writers at once.
type intent struct {
	targets []string
	batchID string
}

// ProductTarget and the two below spell the names of what a job writes to.
func ProductTarget(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// OrderTarget names an order.
func OrderTarget(id int64) string { return "order:" + strconv.FormatInt(id, 10) }

// ReferenceTarget names a product that is known only by its reference.
func ReferenceTarget(reference string) string {
	return "reference:" + schemas.SameReference(reference)
}

// intentOf reads the targets out of a validated payload.
func intentOf(op Operation, doc schemas.Document) (intent, error) {
	switch op.Name {
	case OpUpdateProduct:
		var p schemas.UpdateProduct
		err := doc.Decode(&p)
		return intent{targets: []string{ProductTarget(p.ProductID)}}, err
	case OpUpdateOrderStatus:
		var p schemas.UpdateOrderStatus
		err := doc.Decode(&p)
		return intent{targets: []string{OrderTarget(p.OrderID)}}, err
	default:
		var p schemas.ImportProducts
		err := doc.Decode(&p)
		in := intent{batchID: p.BatchID}
		for _, item := range p.Items {
			in.targets = append(in.targets, ReferenceTarget(item.Reference))
		}
		return in, err
	}
}

// stillValid holds a stored payload to this version's schema. One that another
// version wrote must not be carried out by the half of it that is understood.
func stillValid(job Job) error {
	if _, known := FindOperation(job.Kind); !known {
		return nil // not an operation of the doors; its shop knows what it takes
	}
	doc, faults := schemas.Parse(job.Payload)
	if len(faults) == 0 {
		faults = schemas.Input(job.Kind).Validate(doc)
	}
	if len(faults) == 0 {
		return nil
	}
	fault := violation(faults)
	fault.Message = "The stored payload does not match this version's schema: " + faults[0].Pointer + " " + faults[0].Message + "."
	fault.Fix = "Send the change again with a new request id."
	return fault
}
