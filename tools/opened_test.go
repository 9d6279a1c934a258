package tools

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prestashop-bridge/bridge/bridge"
)

// While the database is still being opened the host hears which tools there
// are; calls wait and are then served, or given up.
func TestCallsWaitUntilTheDeskIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := make(chan struct{})
		w := newWorld()
		door := w.door()
		door.Opened = opened
		p := openPipe(t, door, writer)
		p.send(callLine(1, bridge.OpGetProduct, `{"product_id":1}`))
		p.send(strings.Replace(completeLine(`{"type":"ref/resource","uri":"bridge://jobs/{id}"}`, "id", ""), `"id":1`, `"id":2`, 1))
		p.send(callLine(3, bridge.OpGetOrder, `{"order_id":5}`))
		p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}`)
		if text := p.ask(strings.Replace(listTools, `"id":1`, `"id":4`, 1)); !strings.Contains(text, bridge.OpGetProduct) {
			t.Errorf("tools/list: %s", text)
		}
		synctest.Wait()
		if len(w.taken) > 0 {
			t.Errorf("the desk was asked before it was open: %v", w.taken)
		}
		close(opened)
		answers := map[string]bool{}
		for range 2 {
			var answer struct {
				ID     json.Number
				Result json.RawMessage
			}
			if err := json.Unmarshal([]byte(p.receive()), &answer); err != nil || answer.Result == nil {
				t.Errorf("%v, %+v", err, answer)
			}
			answers[answer.ID.String()] = true
		}
		if rest, err := p.close(); rest != "" || err != nil || len(answers) != 2 {
			t.Errorf("rest %q, %v, answered %v", rest, err, answers)
		}
	})
}
