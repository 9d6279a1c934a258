package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// story is what the demo's agent does over MCP, with a check of each claim
// against the shop itself.
type story struct {
	out    io.Writer
	shop   *sandbox.Shop
	images string // base URL images are fetched from
	agent  *client.Client
	held   int
	broken int
}

// tell plays the chapters in order. An error is a break of the demo itself;
// claims that do not hold are counted.
func (s *story) tell(ctx context.Context, baseURL, token string) error {
	agent, err := client.NewStreamableHttpClient(baseURL+"/mcp", transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + token}))
	if err != nil {
		return err
	}
	s.agent = agent
	defer agent.Close()
	if err := agent.Start(ctx); err != nil {
		return err
	}
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: "bridge demo", Version: version}
	if _, err := agent.Initialize(ctx, hello); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{s.listTools, s.changeProduct, s.refuseTaxIncluded, s.shipOrder, s.importProducts} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "\n%d claims held, %d did not.\n", s.held, s.broken)
	return nil
}

func (s *story) title(text string) { fmt.Fprintf(s.out, "\n%s\n", text) }

// claim prints and counts one checked statement.
func (s *story) claim(holds bool, format string, args ...any) {
	mark := "✓"
	if holds {
		s.held++
	} else {
		mark = "✗"
		s.broken++
	}
	fmt.Fprintf(s.out, "  %s %s\n", mark, fmt.Sprintf(format, args...))
}

func (s *story) listTools(ctx context.Context) error {
	s.title("An agent connects over MCP and lists the tools")
	list, err := s.agent.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return err
	}
	names := make([]string, len(list.Tools))
	for i, tool := range list.Tools {
		names[i] = tool.Name
	}
	s.claim(len(names) == len(bridge.Operations), "%d tools: %s", len(names), strings.Join(names, ", "))
	return nil
}

// productView and the structs below are the parts of the answers the demo
// looks at.
type productView struct {
	PriceHT json.Number `json:"price_ht"`
	Stock   struct {
		Quantity int64 `json:"quantity"`
	} `json:"stock"`
}

type jobView struct {
	JobID           string `json:"job_id"`
	Status          string `json:"status"`
	Terminal        bool   `json:"terminal"`
	BusinessSuccess *bool  `json:"business_success"`
	Progress        struct {
		Done  int `json:"done"`
		Total int `json:"total"`
	} `json:"progress"`
	ErrorCode string `json:"error_code"`
	Rule      string `json:"rule"`
}

func (s *story) changeProduct(ctx context.Context) error {
	s.title("It changes the price before tax and the stock of product 1")
	var before, after productView
	if err := s.call(ctx, bridge.OpGetProduct, map[string]any{"product_id": 1}, &before); err != nil {
		return err
	}
	effects := s.shop.Effects()
	write := map[string]any{
		"request_id": uuid.NewString(), "product_id": 1,
		"updates": map[string]any{"price_ht": 21.9, "stock_delta": -3},
	}
	var accepted jobView
	if err := s.call(ctx, bridge.OpUpdateProduct, write, &accepted); err != nil {
		return err
	}
	s.claim(accepted.BusinessSuccess == nil, "accepted as a job at once, business_success:null (accepted is not success)")
	done, err := s.follow(ctx, accepted.JobID)
	if err != nil {
		return err
	}
	if err := s.call(ctx, bridge.OpGetProduct, map[string]any{"product_id": 1}, &after); err != nil {
		return err
	}
	s.claim(succeeded(done), "the job ended %s, business_success:true", done.Status)
	s.claim(after.PriceHT == "21.9", "price %s -> %s, read back from the shop", before.PriceHT, after.PriceHT)
	s.claim(after.Stock.Quantity == before.Stock.Quantity-3, "stock %d -> %d, read back from the shop", before.Stock.Quantity, after.Stock.Quantity)

	sent := writes(s.shop.Effects()) - writes(effects)
	var again jobView
	if err := s.call(ctx, bridge.OpUpdateProduct, write, &again); err != nil {
		return err
	}
	s.claim(again.JobID == accepted.JobID, "the same request_id again is the same job")
	s.claim(writes(s.shop.Effects())-writes(effects) == sent, "and has no second effect: the shop counted %d writes before and after", sent)
	return nil
}

func (s *story) refuseTaxIncluded(ctx context.Context) error {
	s.title("It tries to change a tax-included price")
	before := writes(s.shop.Effects())
	var refused jobView
	err := s.call(ctx, bridge.OpUpdateProduct, map[string]any{
		"request_id": uuid.NewString(), "product_id": 1, "updates": map[string]any{"price_ttc": 10},
	}, &refused)
	if err != nil {
		return err
	}
	s.claim(refused.ErrorCode == string(bridge.CodePolicyRefused) && refused.Rule != "", "refused: %s, rule %s", refused.ErrorCode, refused.Rule)
	s.claim(writes(s.shop.Effects()) == before, "the shop saw nothing of it")
	return nil
}

func (s *story) shipOrder(ctx context.Context) error {
	const order = 2 // paid, not yet shipped
	s.title(fmt.Sprintf("It ships order %d with a tracking number and a mail to the customer", order))
	mails := len(s.shop.Mails())
	var accepted jobView
	err := s.call(ctx, bridge.OpUpdateOrderStatus, map[string]any{
		"request_id": uuid.NewString(), "order_id": order, "new_status": "shipped", "notify_customer": true, "tracking_number": "6A12345678901",
	}, &accepted)
	if err != nil {
		return err
	}
	done, err := s.follow(ctx, accepted.JobID)
	if err != nil {
		return err
	}
	var view struct {
		Status  struct{ Key string }
		Carrier struct {
			TrackingNumber string `json:"tracking_number"`
		}
	}
	if err := s.call(ctx, bridge.OpGetOrder, map[string]any{"order_id": order}, &view); err != nil {
		return err
	}
	s.claim(succeeded(done) && view.Status.Key == "shipped", "the order is %s", view.Status.Key)
	s.claim(view.Carrier.TrackingNumber == "6A12345678901", "tracking number %s", view.Carrier.TrackingNumber)
	s.claim(len(s.shop.Mails()) == mails+1, "the customer got exactly one mail")
	return nil
}

func (s *story) importProducts(ctx context.Context) error {
	s.title("It imports three products with an image each")
	var items []map[string]any
	for i, name := range []string{"Walnut tray", "Linen apron", "Copper ladle"} {
		items = append(items, map[string]any{
			"reference": fmt.Sprintf("DEMO-%d", i+1), "name": map[string]string{"en": name, "fr": name + " (FR)"},
			"price_ht": 12.5 + float64(i), "stock_quantity": 40, "active": true,
			"images_to_download": []string{fmt.Sprintf("%s/img/demo/%d.png", s.images, i+1)},
		})
	}
	before := s.shop.Effects()
	var accepted jobView
	if err := s.call(ctx, bridge.OpImportProducts, map[string]any{"request_id": uuid.NewString(), "batch_id": "demo-batch", "items": items}, &accepted); err != nil {
		return err
	}
	done, err := s.follow(ctx, accepted.JobID)
	if err != nil {
		return err
	}
	after := s.shop.Effects()
	s.claim(succeeded(done), "the job ended %s", done.Status)
	s.claim(created(after)-created(before) == 3, "the shop counted %d new products", created(after)-created(before))
	s.claim(after.Images-before.Images == 3, "and %d new images", after.Images-before.Images)

	var again jobView
	if err := s.call(ctx, bridge.OpImportProducts, map[string]any{"request_id": uuid.NewString(), "batch_id": "demo-batch", "items": items}, &again); err != nil {
		return err
	}
	s.claim(again.JobID == accepted.JobID && created(s.shop.Effects()) == created(after), "the same batch under another request_id is the same job, nothing is created twice")
	return nil
}

// writes and created count what the shop itself has seen.
func writes(e sandbox.Effects) int  { return e.Count("", "", 0) }
func created(e sandbox.Effects) int { return e.Count("POST", "products", 0) }

func succeeded(j jobView) bool { return j.BusinessSuccess != nil && *j.BusinessSuccess }

// follow polls a job to its end with a progress bar.
func (s *story) follow(ctx context.Context, jobID string) (jobView, error) {
	if jobID == "" {
		return jobView{}, errors.New("the write was not accepted")
	}
	for {
		var job jobView
		if err := s.call(ctx, bridge.OpGetJobStatus, map[string]any{"job_id": jobID, "wait_seconds": 1}, &job); err != nil {
			return job, err
		}
		fmt.Fprintf(s.out, "    %s %d/%d %s\n", bar(job.Progress.Done, job.Progress.Total), job.Progress.Done, job.Progress.Total, job.Status)
		if job.Terminal {
			return job, nil
		}
		if err := ctx.Err(); err != nil {
			return job, err
		}
	}
}

// bar draws twenty cells of progress.
func bar(done, total int) string {
	const cells = 20
	filled := 0
	if total > 0 {
		filled = min(cells, cells*done/total)
	}
	return "[" + strings.Repeat("█", filled) + strings.Repeat("░", cells-filled) + "]"
}

// call runs a tool and decodes its structured content, of refusals too.
func (s *story) call(ctx context.Context, tool string, arguments map[string]any, into any) error {
	var req mcp.CallToolRequest
	req.Params.Name, req.Params.Arguments = tool, arguments
	result, err := s.agent.CallTool(ctx, req)
	if err != nil {
		return fmt.Errorf("%s: %w", tool, err)
	}
	raw, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
