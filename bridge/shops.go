package bridge

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// DefaultShop is how the shop of the settings is called where people read. In
// the program its name is "".
const DefaultShop = "default"

// ShopLabel is a shop's name for people, logs and metrics.
func ShopLabel(name string) string { return cmp.Or(name, DefaultShop) }

// shopNamePattern keeps names readable in logs and labels, and apart from the
// targets they stand before.
var shopNamePattern = pattern(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// ParseShopName reads a shop's name as people write it; "" and "default" are
// the shop of the settings.
func ParseShopName(text string) (string, error) {
	switch {
	case text == "" || text == DefaultShop:
		return "", nil
	case !shopNamePattern().MatchString(text):
		return "", Fault(CodeInvalidRequest, nil, "A shop's name has 1 to 32 lower-case letters, digits, dashes and underscores.")
	}
	return text, nil
}

// Shops finds the shop of an actor or a job by its name, "" for the shop of
// the settings. A name that is not, or no longer, registered is NoShop; any
// other error passes and leaves a job waiting.
type Shops interface {
	Shop(ctx context.Context, name string) (Shop, error)
}

// OneShop is a deployment with the shop of the settings and no other.
func OneShop(shop Shop) Shops { return oneShop{shop} }

type oneShop struct{ shop Shop }

func (o oneShop) Shop(_ context.Context, name string) (Shop, error) {
	if name != "" {
		return nil, NoShop(name)
	}
	return o.shop, nil
}

// NoShop is the refusal of what belongs to a shop that is not there.
func NoShop(name string) *Error {
	fault := Fault(CodeShopUnknown, nil, "There is no shop %.32s at this bridge, or it was removed.", name)
	fault.Fix = fmt.Sprintf("The operator must look at bridge shops list. A removed name is not given again: add the shop under a new name (bridge shops add) and a client for it (bridge clients add --shop), instead of one of %.32s.", name)
	return fault
}

// RegisteredShop is a shop as the database keeps it, its webservice key sealed.
type RegisteredShop struct {
	Name       string
	URL        string // the shop's root
	EmployeeID int64  // 0 for none
	SealedKey  string // "" once removed
	CreatedAt  time.Time
	RemovedAt  *time.Time
}

// ShopUse counts what keeps a shop from being removed.
type ShopUse struct {
	Clients int // not revoked
	Jobs    int // not ended
}

// ShopRegistry is the store as the keeper of shops.
type ShopRegistry interface {
	RegisteredShops(ctx context.Context) ([]RegisteredShop, error)
	// AmendShop loads the decision's shop under a lock (nil when there is none)
	// and stores what change makes of it together with the decision. use counts
	// in the same transaction; a client cannot be added meanwhile.
	AmendShop(ctx context.Context, d Decision, change func(known *RegisteredShop, use func() (ShopUse, error)) (RegisteredShop, error)) error
}

// ShopAccess is how a shop is reached.
type ShopAccess struct {
	URL        string
	Key        string // of the webservice, in the clear
	EmployeeID int64
}

// ShopDirectory is where the registered shops are and how they are reached.
type ShopDirectory struct {
	Registry ShopRegistry
	Sealer   *auth.Sealer
}

// Registered gives the shops that are not removed, by name. It opens no key.
func (d ShopDirectory) Registered(ctx context.Context) (map[string]RegisteredShop, error) {
	list, err := d.Registry.RegisteredShops(ctx)
	if err != nil {
		return nil, err
	}
	live := map[string]RegisteredShop{}
	for _, shop := range list {
		if shop.RemovedAt == nil {
			live[shop.Name] = shop
		}
	}
	return live, nil
}

// Access opens a shop's key. A node that cannot must not fail the shop's jobs:
// the others can.
func (d ShopDirectory) Access(shop RegisteredShop) (ShopAccess, error) {
	key, err := d.Sealer.Open(shop.SealedKey, keySealedFor(shop))
	if err != nil {
		return ShopAccess{}, &ShopError{
			Fault: Unreached, Code: CodeShopUnavailable, Message: "The shop's webservice key cannot be opened on this node.", Cause: err,
			Fix: "The operator must give every node the same SECRETS_KEY_PATH file, or store the key again: bridge shops rotate-key.",
		}
	}
	return ShopAccess{URL: shop.URL, Key: key, EmployeeID: shop.EmployeeID}, nil
}

// keySealedFor ties a sealed webservice key to its shop and to the address it
// is sent to.
func keySealedFor(shop RegisteredShop) string {
	return "webservice key of " + shop.Name + " at " + shop.URL
}

// The operator's actions on shops.
const (
	ActionShopAdd       = "shop-add"
	ActionShopRotateKey = "shop-rotate-key"
	ActionShopSet       = "shop-set"
	ActionShopRemove    = "shop-remove"
)

// ShopRegistrar is the operator's hand on the shops. Accepts says what is
// wrong with an access before it is stored; it does not call the shop.
type ShopRegistrar struct {
	Directory  ShopDirectory
	Configured string // URL of the shop of the settings, "" when it is not set
	Accepts    func(ShopAccess) error
	Now        func() time.Time
}

// Add registers a shop.
func (r *ShopRegistrar) Add(ctx context.Context, operator, reason, name string, access ShopAccess) error {
	if err := r.onlyName(ctx, name, access.URL); err != nil {
		return err
	}
	return r.amend(ctx, operator, ActionShopAdd, name, reason, func(known *RegisteredShop, _ func() (ShopUse, error)) (RegisteredShop, error) {
		shop := RegisteredShop{Name: name, CreatedAt: r.Now().UTC()}
		if known != nil {
			return shop, Fault(CodeInvalidRequest, nil, "There is a shop %s already, or there was one: jobs speak of it. Choose another name.", name)
		}
		return r.with(shop, access)
	})
}

// RotateKey gives the bridge a new webservice key of the shop. Jobs at work
// end their attempt with the one before.
func (r *ShopRegistrar) RotateKey(ctx context.Context, operator, reason, name, key string) error {
	return r.amendKnown(ctx, operator, ActionShopRotateKey, name, reason, func(shop RegisteredShop) (RegisteredShop, error) {
		return r.with(shop, ShopAccess{URL: shop.URL, Key: key, EmployeeID: shop.EmployeeID})
	})
}

// Set changes the address of the same shop and the employee; nil leaves one as
// it is.
func (r *ShopRegistrar) Set(ctx context.Context, operator, reason, name string, address *string, employee *int64) error {
	if address != nil {
		if err := r.onlyName(ctx, name, *address); err != nil {
			return err
		}
	}
	return r.amendKnown(ctx, operator, ActionShopSet, name, reason, func(shop RegisteredShop) (RegisteredShop, error) {
		access, err := r.Directory.Access(shop)
		if err != nil {
			return shop, shopAnswer(err)
		}
		if address != nil {
			access.URL = *address
		}
		if employee != nil {
			access.EmployeeID = *employee
		}
		return r.with(shop, access)
	})
}

// Remove ends a shop that nobody needs. Its key goes; its name stays taken,
// because jobs and clients that have ended bear it.
func (r *ShopRegistrar) Remove(ctx context.Context, operator, reason, name string) error {
	return r.amend(ctx, operator, ActionShopRemove, name, reason, func(known *RegisteredShop, use func() (ShopUse, error)) (RegisteredShop, error) {
		if err := mustBeThere(known, name); err != nil {
			return RegisteredShop{}, err
		}
		used, err := use()
		switch {
		case err != nil:
			return *known, err
		case used.Clients > 0:
			return *known, Fault(CodeUnprocessable, nil, "%d client(s) work on the shop %s: revoke them first (bridge clients list, bridge clients revoke).", used.Clients, name)
		case used.Jobs > 0:
			return *known, Fault(CodeUnprocessable, nil, "%d job(s) of the shop %s have not ended: wait for them or cancel them (bridge jobs list --shop %s, bridge jobs cancel).", used.Jobs, name, name)
		}
		at := r.Now().UTC()
		known.RemovedAt, known.SealedKey = &at, ""
		return *known, nil
	})
}

// with puts an access into a shop, its key sealed.
func (r *ShopRegistrar) with(shop RegisteredShop, access ShopAccess) (RegisteredShop, error) {
	if access.EmployeeID < 0 {
		return shop, Fault(CodeInvalidRequest, nil, "The employee is an id of the shop, or 0 for none.")
	}
	if err := r.Accepts(access); err != nil {
		return shop, Fault(CodeInvalidRequest, err, "The shop cannot be used so: %v.", err)
	}
	shop.URL, shop.EmployeeID = access.URL, access.EmployeeID
	shop.SealedKey = r.Directory.Sealer.Seal(access.Key, keySealedFor(shop))
	return shop, nil
}

// onlyName refuses the address of a shop that has a name already: jobs of two
// names do not wait for each other.
func (r *ShopRegistrar) onlyName(ctx context.Context, name, address string) error {
	live, err := r.Directory.Registered(ctx)
	if err != nil {
		return err
	}
	known := map[string]string{DefaultShop: r.Configured}
	for other, shop := range live {
		known[other] = shop.URL
	}
	delete(known, name)
	for other, its := range known {
		if its != "" && place(its) == place(address) {
			return Fault(CodeInvalidRequest, nil, "This is the address of the shop %s: one shop under two names would be written by two jobs at once.", other)
		}
	}
	return nil
}

// place is what two spellings of one shop's address have in common.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	port := u.Port()
	if port == "80" || port == "443" {
		port = ""
	}
	return strings.ToLower(u.Hostname()) + ":" + port + "/" + strings.Trim(u.Path, "/")
}

func mustBeThere(known *RegisteredShop, name string) error {
	if known == nil || known.RemovedAt != nil {
		return Fault(CodeNotFound, nil, "There is no shop %.32s, or it was removed; bridge shops list shows them. The shop of the settings is changed there.", name)
	}
	return nil
}

// amendKnown changes a shop that is there.
func (r *ShopRegistrar) amendKnown(ctx context.Context, operator, action, name, reason string, change func(RegisteredShop) (RegisteredShop, error)) error {
	return r.amend(ctx, operator, action, name, reason, func(known *RegisteredShop, _ func() (ShopUse, error)) (RegisteredShop, error) {
		if err := mustBeThere(known, name); err != nil {
			return RegisteredShop{}, err
		}
		return change(*known)
	})
}

func (r *ShopRegistrar) amend(ctx context.Context, operator, action, name, reason string, change func(*RegisteredShop, func() (ShopUse, error)) (RegisteredShop, error)) error {
	parsed, err := ParseShopName(name)
	if err != nil {
		return err
	}
	if parsed == "" {
		return Fault(CodeInvalidRequest, nil, "The shop %s is the one of the settings (PRESTASHOP_URL) and is changed there.", DefaultShop)
	}
	d := Decision{Operator: operator, Action: action, Subject: name, Reason: reason}
	if err := d.complete(r.Now()); err != nil {
		return err
	}
	return r.Directory.Registry.AmendShop(ctx, d, change)
}
