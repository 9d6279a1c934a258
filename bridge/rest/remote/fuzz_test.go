package remote_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// FuzzAnswers: whatever comes back, a call ends with an error of the program or
// with an answer to this very call, and no write has succeeded by a 202.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{product(7), job(jobID, "succeeded"), job(jobID, "processing"), accepted("accepted", "null"), accepted("accepted", "true"), problem(409, "known_failed_replay").body, `{`, `null`, `[]`, ``} {
		for _, status := range []int{200, 202, 302, 409, 500} {
			f.Add(status, "application/json", body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, mediaType, body string) {
		if status < 200 || status > 599 || status == 429 || status == 502 || status == 503 || status == 504 {
			return // these are waited for, and tested in bubble time
		}
		answered := reply{status: status, body: body, header: map[string]string{"Content-Type": mediaType}}
		read, fault := do(t, scripted(answered), bridge.OpGetProduct, "", `{"product_id":7}`)
		if got, _ := read.Body.(schemas.Product); fault == nil && got.ID != 7 {
			t.Errorf("product 7 is %+v", read.Body)
		}
		followed, fault := do(t, scripted(answered), bridge.OpGetJobStatus, "", `{"job_id":"`+jobID+`"}`)
		if got, _ := followed.Body.(schemas.Job); fault == nil && got.JobID != jobID {
			t.Errorf("the job is %+v", followed.Body)
		}
		written, fault := do(t, scripted(answered), bridge.OpUpdateProduct, requestID, update)
		if fault != nil {
			return
		}
		shown, err := json.Marshal(written.Acceptance)
		if err != nil || !strings.Contains(string(shown), `"business_success":null`) || status == 202 && written.Acceptance.Status.Terminal() {
			t.Errorf("a write is answered with %s, %v", shown, err)
		}
	})
}
