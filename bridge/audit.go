package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// AuditEntry is one line of the audit log. Hash covers every other field, and
// Previous is the hash of the entry before, so that no entry can be changed,
// removed or put in between without breaking the chain.
type AuditEntry struct {
	Seq      int64     `json:"seq"` // from 1, without gaps
	At       time.Time `json:"at"`  // UTC, microseconds
	Operator string    `json:"operator"`
	Action   string    `json:"action"`
	Subject  string    `json:"subject"` // a job id, a client id or a shop's name
	Reason   string    `json:"reason"`
	Previous string    `json:"previous"` // hex SHA-256, "" for the first
	Hash     string    `json:"hash"`
}

// NextAuditEntry chains a decision to the entry before it; the zero entry
// starts a log.
func NextAuditEntry(last AuditEntry, d Decision) AuditEntry {
	e := AuditEntry{
		Seq: last.Seq + 1, At: d.At.UTC().Truncate(time.Microsecond), Operator: d.Operator,
		Action: d.Action, Subject: d.Subject, Reason: d.Reason, Previous: last.Hash,
	}
	e.Hash = e.digest()
	return e
}

// digest is the hex SHA-256 of the entry's JSON without its own hash.
func (e AuditEntry) digest() string {
	e.Hash = ""
	raw, err := json.Marshal(e)
	if err != nil {
		return "" // a time outside year 0 to 9999: such an entry never verifies
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Follows says whether the entry is unchanged and comes right after last.
func (e AuditEntry) Follows(last AuditEntry) error {
	switch {
	case e.Seq != last.Seq+1:
		return fmt.Errorf("entry %d follows entry %d: entries are missing", e.Seq, last.Seq)
	case e.Previous != last.Hash:
		return fmt.Errorf("entry %d does not name the hash of entry %d: one of the two was replaced", e.Seq, last.Seq)
	case e.Hash == "" || e.Hash != e.digest():
		return fmt.Errorf("entry %d was changed after it was written", e.Seq)
	}
	return nil
}

// AuditLog is the store as auditors use it.
type AuditLog interface {
	// Audit gives up to limit entries after the one with that number, in order.
	Audit(ctx context.Context, after int64, limit int) ([]AuditEntry, error)
}

// auditPage is how many entries are read at a time.
const auditPage = 500

// WalkAudit reads the whole log in order and checks the chain as it goes. It
// stops at the first entry that breaks it; how many were sound comes back.
func WalkAudit(ctx context.Context, log AuditLog, each func(AuditEntry) error) (int64, error) {
	var last AuditEntry
	for {
		page, err := log.Audit(ctx, last.Seq, auditPage)
		if err != nil || len(page) == 0 {
			return last.Seq, err
		}
		for _, e := range page {
			if err := e.Follows(last); err != nil {
				return last.Seq, Fault(CodeInternal, err, "The audit log is broken: %v.", err)
			}
			if err := each(e); err != nil {
				return last.Seq, err
			}
			last = e
		}
	}
}
