package bridge

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/prestashop-bridge/bridge/auth"
)

// Account is an operator who can log in to let an app act for them. It has
// nothing to do with Operator, the hand on the jobs, which needs a shell.
type Account struct {
	Name         string
	PasswordHash string   // auth.HashSecret
	Scopes       []string // the most that apps can be granted by this operator
	CreatedAt    time.Time
	RemovedAt    *time.Time
}

// Accounts is the store as the keeper of operators' accounts.
type Accounts interface {
	// Account loads an account, a removed one too; nil when there is none.
	Account(ctx context.Context, name string) (*Account, error)
	Accounts(ctx context.Context) ([]Account, error)
	// AmendAccount loads an account under a lock (nil when there is none), and
	// stores what change makes of it together with the decision. Where ends is
	// true, every grant of the account ends in the same transaction.
	AmendAccount(ctx context.Context, d Decision, ends bool, change func(*Account) (Account, error)) error
}

// The actions on accounts.
const (
	ActionAccountAdd      = "operator-add"
	ActionAccountPassword = "operator-password"
	ActionAccountRemove   = "operator-remove"
)

const (
	// leastPassword is NIST SP 800-63B-4 §3.1.1.2 for a password that is the
	// only factor.
	leastPassword = 15
	mostPassword  = 256
)

// accountNamePattern keeps names readable in logs and tokens.
var accountNamePattern = pattern(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// AccountKeeper adds, changes and removes operators' accounts.
type AccountKeeper struct {
	Accounts Accounts
	Now      func() time.Time
}

// Add makes an account.
func (k *AccountKeeper) Add(ctx context.Context, operator, reason, name, password string, scopes []string) error {
	if !accountNamePattern().MatchString(name) {
		return Fault(CodeInvalidRequest, nil, "An operator's name has 1 to 32 small letters, digits, dots, dashes and underscores.")
	}
	if !auth.Subset(scopes, allScopes) || len(scopes) == 0 {
		return Fault(CodeInvalidRequest, nil, "The scopes are %s, %s and %s; at least one.", auth.ScopeRead, auth.ScopeWrite, auth.ScopePII)
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	fresh := Account{Name: name, PasswordHash: auth.HashSecret(password), Scopes: scopes, CreatedAt: k.Now().UTC()}
	return k.amend(ctx, Decision{Operator: operator, Action: ActionAccountAdd, Subject: name, Reason: reason}, false, func(known *Account) (Account, error) {
		if known != nil {
			return *known, Fault(CodeInvalidRequest, nil, "There is or was an operator %s; jobs carry the name, so choose another.", name)
		}
		return fresh, nil
	})
}

// SetPassword changes a password. What was granted with the one before ends:
// whoever knew it may have granted something.
func (k *AccountKeeper) SetPassword(ctx context.Context, operator, reason, name, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash := auth.HashSecret(password)
	return k.amendKnown(ctx, Decision{Operator: operator, Action: ActionAccountPassword, Subject: name, Reason: reason}, func(a *Account) {
		a.PasswordHash = hash
	})
}

// Remove ends an account, with everything it granted, from the next request on.
func (k *AccountKeeper) Remove(ctx context.Context, operator, reason, name string) error {
	return k.amendKnown(ctx, Decision{Operator: operator, Action: ActionAccountRemove, Subject: name, Reason: reason}, func(a *Account) {
		at := k.Now().UTC()
		a.RemovedAt = &at
	})
}

// amendKnown changes an account that is there, and ends its grants.
func (k *AccountKeeper) amendKnown(ctx context.Context, d Decision, change func(*Account)) error {
	return k.amend(ctx, d, true, func(known *Account) (Account, error) {
		if known == nil || known.RemovedAt != nil {
			return Account{}, Fault(CodeNotFound, nil, "There is no operator %.32s.", d.Subject)
		}
		change(known)
		return *known, nil
	})
}

func (k *AccountKeeper) amend(ctx context.Context, d Decision, ends bool, change func(*Account) (Account, error)) error {
	if err := d.complete(k.Now()); err != nil {
		return err
	}
	return k.Accounts.AmendAccount(ctx, d, ends, change)
}

func checkPassword(password string) error {
	if length := utf8.RuneCountInString(password); length < leastPassword || len(password) > mostPassword || !utf8.ValidString(password) {
		return Fault(CodeInvalidRequest, nil, "A password has %d characters or more, and at most %d bytes.", leastPassword, mostPassword)
	}
	return nil
}
