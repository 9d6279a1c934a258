package rest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
	"github.com/prestashop-bridge/bridge/schemas"
)

// pair is the signing client and the door, over a real connection.
func pair(t *testing.T) (*rig, *client.Client) {
	t.Helper()
	r := newRig(t)
	server := httptest.NewServer(r.handler)
	t.Cleanup(server.Close)
	return r, &client.Client{
		BaseURL: server.URL, ClientID: clientID, ClientSecret: clientSecret, HMACSecret: hmacSecret,
		HTTP: server.Client(), Now: r.door.Now,
	}
}

// Every operation, from the client's call to the hub and back.
func TestClientAndDoor(t *testing.T) {
	r, c := pair(t)
	for operation, payload := range map[string]string{
		bridge.OpGetProduct: `{"product_id":7}`,
		bridge.OpGetOrder:   `{"order_id":456}`,
	} {
		response, err := c.Do(t.Context(), operation, "", []byte(payload))
		if err != nil || response.Status != http.StatusOK {
			t.Errorf("%s: %+v, %v", operation, response, err)
		}
	}
	response, err := c.Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(updateBody))
	if err != nil || response.Accepted == nil {
		t.Fatalf("got %+v, %v", response, err)
	}
	r.back.end(schemas.Succeeded, nil)
	finished, err := c.Wait(t.Context(), response.Accepted.JobID)
	if err != nil || !finished.Succeeded() {
		t.Errorf("got %+v, %v", finished, err)
	}
	again, err := c.Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(padded(50_000)))
	if err != nil || again.Finished == nil || again.Finished.Job.JobID != response.Accepted.JobID {
		t.Errorf("got %+v, %v", again, err)
	}
	_, err = c.Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(`{"product_id":8,"updates":{"stock_delta":1}}`))
	var refused *client.Refusal
	if !errors.As(err, &refused) || refused.Problem.ErrorCode != string(bridge.CodeIdempotencyConflict) {
		t.Errorf("got %v", err)
	}
}

// The printed command does what the client would have done.
func TestCurlCommandIsAccepted(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program + " here")
		}
	}
	_, c := pair(t)
	for _, call := range []struct{ operation, payload, want string }{
		{bridge.OpGetProduct, `{"product_id":7}`, " 200 "},
		{bridge.OpUpdateProduct, updateBody, " 202 "},
		{bridge.OpUpdateOrderStatus, `{"order_id":1,"new_status":"it's $(shipped) [here] ` + "`id`" + `"}`, " 202 "},
	} {
		command, err := c.Curl(t.Context(), call.operation, "", []byte(call.payload))
		if err != nil {
			t.Fatal(err)
		}
		out, err := shell(t.Context(), command)
		if err != nil {
			t.Fatalf("%v\n%s", err, command)
		}
		if status, _, _ := strings.Cut(out, "\r\n"); !strings.Contains(status, call.want) {
			t.Errorf("%s: got %s\n%s", call.operation, status, out)
		}
	}
	if _, err := c.Curl(t.Context(), bridge.OpUpdateProduct, "", []byte(padded(40_000))); err == nil {
		t.Error("a command for a body that must be compressed")
	}
}

func shell(ctx context.Context, command string) (string, error) {
	out, err := exec.CommandContext(ctx, "sh", "-c", "no_proxy='*' "+command).Output()
	return string(out), err
}
