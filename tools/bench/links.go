package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const echoCall = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"018f0000-0000-7000-8000-0000000000aa"}}}`

func statusCall(jobID string) string {
	return `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_job_status","arguments":{"job_id":"` + jobID + `"}}}`
}

const writeCall = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"update_product","arguments":{"request_id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","product_id":1,"updates":{"stock_delta":1}}}}`

// overStdio opens the servers on pipes. Calls go one at a time: the pipe is
// one, and so is the model behind it.
func (n *nodes) overStdio(context.Context) (of callers, done func(), err error) {
	var opened []*pipe
	done = func() {
		for _, p := range opened {
			_ = p.close()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	for _, server := range []program{n.echo("stdio"), n.echo("stdio", "--reads"), n.mcp()} {
		p, err := server.open()
		if err != nil {
			return callers{}, nil, err
		}
		opened = append(opened, p)
		if _, err := p.ask(hello); err != nil {
			return callers{}, nil, err
		}
	}
	job, err := followed(opened[2].ask)
	if err != nil {
		return callers{}, nil, err
	}
	call := func(p *pipe, line string) caller {
		return func(context.Context) error { return answered(p.ask(line)) }
	}
	return callers{call(opened[0], echoCall), call(opened[1], echoCall), call(opened[2], statusCall(job))}, done, nil
}

// followed has the bridge carry out one write and gives the job's id.
func followed(ask func(string) (string, error)) (jobID string, err error) {
	accepted, err := ask(writeCall)
	if err != nil {
		return "", err
	}
	var answer struct {
		Result struct {
			StructuredContent struct {
				JobID string `json:"job_id"`
			} `json:"structuredContent"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(accepted), &answer); err != nil || answer.Result.StructuredContent.JobID == "" {
		return "", fmt.Errorf("no job in %.300s", accepted)
	}
	jobID = answer.Result.StructuredContent.JobID
	ended, err := ask(strings.Replace(statusCall(jobID), `"}}}`, `","wait_seconds":20}}}`, 1))
	if err == nil && !strings.Contains(ended, `"terminal":true`) {
		err = fmt.Errorf("the job did not end: %.300s", ended)
	}
	return jobID, err
}

func answered(text string, err error) error {
	if err == nil && (!strings.Contains(text, `"result":`) || strings.Contains(text, `"isError":true`)) {
		err = fmt.Errorf("refused: %.300s", text)
	}
	return err
}

// overHTTP opens the servers on ports, with a token for the bridge.
func (n *nodes) overHTTP(ctx context.Context) (callers, func(), error) {
	if err := n.openFloors(ctx); err != nil {
		return callers{}, nil, err
	}
	if n.base == "" {
		ours, err := freeAddress()
		if err != nil {
			return callers{}, nil, err
		}
		if err = n.serve(ctx, ours, n.binary, "serve", "--listen", ours); err != nil {
			return callers{}, nil, err
		}
		n.base = "http://" + ours
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
	token, err := n.token(ctx, client)
	if err != nil {
		return callers{}, nil, err
	}
	post := func(address, authorization, body string) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return sent(client, r)
	}
	job, err := followed(func(line string) (string, error) { return post(n.base+"/mcp", "Bearer "+token, line) })
	if err != nil {
		return callers{}, nil, err
	}
	call := func(base, authorization, line string) caller {
		return func(context.Context) error { return answered(post(base+"/mcp", authorization, line)) }
	}
	of := callers{call(n.floor, "", echoCall), call(n.reader, "", echoCall), call(n.base, "Bearer "+token, statusCall(job))}
	return of, client.CloseIdleConnections, nil
}

// openFloors starts the two floors once.
func (n *nodes) openFloors(ctx context.Context) error {
	for base, flags := range map[*string][]string{&n.floor: nil, &n.reader: {"--reads"}} {
		if *base != "" {
			continue
		}
		at, err := freeAddress()
		if err != nil {
			return err
		}
		floor := n.echo(at, flags...)
		if err := n.serve(ctx, at, floor.binary, floor.args...); err != nil {
			return err
		}
		*base = "http://" + at
	}
	return nil
}

func (n *nodes) token(ctx context.Context, client *http.Client) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {n.base + "/mcp"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(clientID, clientSecret)
	text, err := sent(client, r)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("no token: %.200s", text)
	}
	return answer.AccessToken, nil
}

func sent(client *http.Client, r *http.Request) (string, error) {
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %.300s", answer.StatusCode, raw)
	}
	return string(raw), err
}
