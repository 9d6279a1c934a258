package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// checkSignatures holds package auth, which both doors and the clients use, to
// the published examples. The published secret serves here and nowhere else.
func (s *site) checkSignatures(context.Context) finding {
	published := auth.Published()
	var wrong []string
	for _, e := range published.Examples {
		text := e.StringToSign()
		if auth.Sign(published.Secret, text) != e.Signature || !auth.VerifySignature([]string{published.Secret}, text, e.Signature) {
			wrong = append(wrong, e.Method+" "+e.URI)
		}
		if auth.VerifySignature([]string{published.Secret}, text+"\n", e.Signature) {
			wrong = append(wrong, e.Method+" "+e.URI+" with another text")
		}
	}
	if len(wrong) > 0 {
		return fail("wrong signature: %s", strings.Join(wrong, ", "))
	}
	return pass("%d published signatures", len(published.Examples))
}

// requestExample is a request of one operation in a good and a broken form.
// Where the contract published a body, valid is "" and the body is taken from
// there.
type requestExample struct {
	operation, valid, broken string
	pointer                  string // where the broken one is refused
}

var requestExamples = []requestExample{
	{bridge.OpGetProduct, `{"product_id":123}`, `{"product_id":0}`, "/product_id"},
	{bridge.OpGetOrder, `{"order_id":456}`, `{"order_id":"456"}`, "/order_id"},
	{bridge.OpGetJobStatus, `{"job_id":"550e8400-e29b-41d4-a716-446655440000"}`, `{"job_id":"550e8400"}`, "/job_id"},
	{bridge.OpUpdateProduct, "", `{"product_id":123,"updates":{"price_ht":25.5,"stock_delta":0}}`, "/updates/stock_delta"},
	{bridge.OpImportProducts, "", `{"batch_id":"b","items":[{"reference":"NEW-001","name":{"en":"New"},"price_ht":-1,"stock_quantity":1}]}`, "/items/0/price_ht"},
	{bridge.OpUpdateOrderStatus, "", `{"order_id":456,"new_status":"shipped","carrier":"x"}`, "/carrier"},
}

func (s *site) checkSchemas(context.Context) finding {
	if err := schemas.Ready(); err != nil {
		return fail("the schemas do not compile: %v", err)
	}
	var wrong []string
	for _, e := range requestExamples {
		valid := e.valid
		if valid == "" {
			valid = publishedBody(e.operation)
		}
		if faults := refusals(e.operation, valid); len(faults) > 0 || valid == "" {
			wrong = append(wrong, fmt.Sprintf("%s: a valid request is refused at %v", e.operation, faults))
		}
		if faults := refusals(e.operation, e.broken); len(faults) != 1 || faults[0] != e.pointer {
			wrong = append(wrong, fmt.Sprintf("%s: a broken request is refused at %v instead of %s", e.operation, faults, e.pointer))
		}
	}
	if len(wrong) > 0 {
		return fail("%s", strings.Join(wrong, "\n"))
	}
	return pass("%d operations", len(requestExamples))
}

// publishedBody is the body the contract published for an operation.
func publishedBody(operation string) string {
	op, _ := bridge.FindOperation(operation)
	for _, e := range auth.Published().Examples {
		if e.Method == op.Method && e.URI == op.Path {
			return e.Body
		}
	}
	return ""
}

// refusals lists where the schema of an operation refuses a request.
func refusals(operation, request string) (pointers []string) {
	doc, faults := schemas.Parse([]byte(request))
	if len(faults) == 0 {
		faults = schemas.Input(operation).Validate(doc)
	}
	for _, fault := range faults {
		pointers = append(pointers, fault.Pointer)
	}
	return pointers
}
