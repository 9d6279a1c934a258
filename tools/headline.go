package tools

import (
	"fmt"

	"github.com/prestashop-bridge/bridge/schemas"
)

// headline says what an answer is in one line. It holds numbers and our own
// words only: names, texts and messages that come from the shop stay in the
// structured content, where a model expects data, because anyone who can name a
// product could write instructions there.
func headline(body any) string {
	switch body := body.(type) {
	case schemas.Product:
		return productLine(body)
	case schemas.Order:
		return orderLine(body)
	case schemas.Job:
		return jobLine(body)
	case *schemas.Acceptance:
		return acceptanceLine(body)
	}
	return "done"
}

func productLine(p schemas.Product) string {
	state := "active"
	if !p.Active {
		state = "not active"
	}
	return fmt.Sprintf("product %d: %s before tax, stock %d, %s", p.ID, p.PriceHT, p.Stock.Quantity, state)
}

func orderLine(o schemas.Order) string {
	status := o.Status.Key // one of our words; "" for a state of the shop's own
	if status == "" {
		status = fmt.Sprintf("state %d", o.Status.ID)
	}
	return fmt.Sprintf("order %d: %s, %d line(s), total %s with tax", o.ID, status, len(o.Lines), o.Totals.TaxIncl)
}

// toFollow ends every line about a job that has not ended (rule
// accepted-is-not-success).
const toFollow = "not done yet; call get_job_status"

func jobLine(j schemas.Job) string {
	switch {
	case !j.Status.Terminal():
		return fmt.Sprintf("job %s: %s, %d of %d – %s", j.JobID, j.Status, j.Progress.Done, j.Progress.Total, toFollow)
	case j.Status == schemas.NeedsReview:
		return fmt.Sprintf("job %s: needs_review – nobody can tell what the shop applied; a person must look", j.JobID)
	case j.Error != nil:
		return fmt.Sprintf("job %s: %s, %s – read error in the result", j.JobID, j.Status, j.Error.Code)
	}
	return fmt.Sprintf("job %s: %s", j.JobID, j.Status)
}

func acceptanceLine(a *schemas.Acceptance) string {
	if a.Status.Terminal() {
		return fmt.Sprintf("%s: job %s, from the same request before; nothing was sent again", a.Status, a.JobID)
	}
	return fmt.Sprintf("%s: job %s – %s", a.Status, a.JobID, toFollow)
}
