package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
)

// jobsUsage is printed for a wrong call of bridge jobs.
const jobsUsage = `usage: bridge jobs ACTION [JOB_ID] [flags]
  list                   newest first; --status, --kind, --client, --shop, --limit
  show JOB_ID            everything known of a job, as JSON
  retry JOB_ID           run a failed job again; what was applied stays applied (--reason)
  cancel JOB_ID          end a job of which nothing was sent yet (--reason)
  resolve JOB_ID         say whether the unknown step was --applied or --not-applied (--reason)
`

// jobs is the operator's hand on the jobs, from the command line.
func jobs(ctx context.Context, p process) error {
	var f jobsFlags
	set := flags(p, "jobs")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.filter.ClientID, "client", "", "list: only this client's")
	set.StringVar(&f.shop, "shop", "", "list: only this shop's; default is the one of the settings")
	set.StringVar(&f.filter.Kind, "kind", "", "list: only this kind")
	set.StringVar((*string)(&f.filter.Status), "status", "", "list: only this status")
	set.IntVar(&f.filter.Limit, "limit", 50, "list: at most so many")
	set.StringVar(&f.reason, "reason", "", "why; it is written to the audit log")
	set.BoolVar(&f.applied, "applied", false, "resolve: the shop shows the change")
	set.BoolVar(&f.notApplied, "not-applied", false, "resolve: the shop does not show the change; it is sent again")
	words, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if len(words) == 0 || len(words) > 2 || (words[0] == "list") != (len(words) == 1) {
		fmt.Fprint(p.stderr, jobsUsage)
		return errUsage
	}
	if f.shop != "" {
		shop, err := bridge.ParseShopName(f.shop)
		if err != nil {
			return err
		}
		f.filter.Shop = &shop
	}
	operator, closeAll, err := openOperator(ctx, p, f.envFile)
	if err != nil {
		return err
	}
	defer closeAll()
	if words[0] == "list" {
		list, err := operator.Jobs(ctx, f.filter)
		if err != nil {
			return err
		}
		return writeJobs(p.stdout, list)
	}
	job, err := f.act(ctx, operator, words[0], words[1])
	if err != nil {
		return err
	}
	return writeJob(p.stdout, job)
}

type jobsFlags struct {
	envFile, reason     string
	shop                string
	applied, notApplied bool
	filter              bridge.JobFilter
}

func (f jobsFlags) act(ctx context.Context, o *bridge.Operator, action, jobID string) (bridge.Job, error) {
	jobID, err := schemas.ParseJobID(jobID)
	if err != nil {
		return bridge.Job{}, fmt.Errorf("JOB_ID: %w", err)
	}
	switch action {
	case "show":
		return o.Job(ctx, jobID)
	case "retry":
		return o.Retry(ctx, operatorName(), jobID, f.reason)
	case "cancel":
		return o.Cancel(ctx, operatorName(), jobID, f.reason)
	case "resolve":
		if f.applied == f.notApplied {
			return bridge.Job{}, fmt.Errorf("resolve needs either --applied or --not-applied: look into the shop first")
		}
		return o.Resolve(ctx, operatorName(), jobID, f.applied, f.reason)
	}
	return bridge.Job{}, fmt.Errorf("there is no action %q\n%s", action, jobsUsage)
}

// interleaved parses flags before, between and after the plain words, as
// people type them.
func interleaved(set *flag.FlagSet, args []string) ([]string, error) {
	var words []string
	for {
		if err := set.Parse(args); err != nil {
			if err == flag.ErrHelp {
				return nil, err
			}
			return nil, errUsage
		}
		if set.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, set.Arg(0)), set.Args()[1:]
	}
}

// openOperator opens what the operator's commands need: the database, and the
// queue to tell the workers.
func openOperator(ctx context.Context, p process, envFile string) (*bridge.Operator, func(), error) {
	c, err := settingsFor(p, envFile)
	if err != nil {
		return nil, nil, err
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.Open(ctx, c.redisDSN, queue.Options{})
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("REDIS_DSN: %w", err)
	}
	return &bridge.Operator{Docket: db, Transport: q, Now: time.Now}, func() {
		_ = q.Close()
		_ = db.Close()
	}, nil
}

// operatorName is who acts, for the audit log: the system's user.
func operatorName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

func writeJobs(w io.Writer, list []bridge.Job) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tKIND\tSTATUS\tATTEMPTS\tCLIENT\tSHOP\tACCEPTED\tERROR")
	for _, j := range list {
		fault := ""
		if j.Error != nil {
			fault = j.Error.Code
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d/%d\t%s\t%s\t%s\t%s\n", j.ID, j.Kind, j.Status, min(j.Attempts, j.MaxAttempts), j.MaxAttempts, j.ClientID, bridge.ShopLabel(j.Shop), j.AcceptedAt.Format(time.RFC3339), fault)
	}
	return table.Flush()
}

func writeJob(w io.Writer, job bridge.Job) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(struct {
		ClientID  string          `json:"client_id"`
		Shop      string          `json:"shop"`
		RequestID string          `json:"request_id"`
		BatchID   string          `json:"batch_id,omitempty"`
		Payload   json.RawMessage `json:"payload"`
		Job       schemas.Job     `json:"job"`
	}{job.ClientID, bridge.ShopLabel(job.Shop), job.RequestID, job.BatchID, job.Payload, job.View()})
}
