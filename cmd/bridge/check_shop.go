package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
)

// checkShop makes the one call that tells most: the list of what the key may.
func (s *site) checkShop(ctx context.Context) finding {
	if s.shopName != "" && s.store == nil {
		return skip("needs database")
	}
	access, err := s.access(ctx)
	if err != nil {
		return shopFailure(err)
	}
	shop, err := prestashop.New(prestashop.Options{URL: access.URL, Key: access.Key, EmployeeID: access.EmployeeID, Timeout: s.config.shopTimeout})
	if err != nil {
		return fail("PRESTASHOP_URL: %v", err)
	}
	s.shop = shop
	survey, err := shop.Survey(ctx)
	if err != nil {
		return shopFailure(err)
	}
	s.survey = survey
	if s.shopName != "" && inClear(access.URL) {
		return warn("%q answers at %s: the webservice key crosses the network in the clear", survey.Name, access.URL).
			mend("Use https: bridge shops set %s --url https://...", s.shopName)
	}
	return pass("%q answers at %s", survey.Name, access.URL)
}

// access is how the shop under check is reached.
func (s *site) access(ctx context.Context) (bridge.ShopAccess, error) {
	c := s.config
	if s.shopName == "" {
		return bridge.ShopAccess{URL: c.shopURL, Key: c.shopKey, EmployeeID: c.shopEmployee}, nil
	}
	sealer, err := auth.OpenSealer(c.secretsKeyPath)
	if err != nil {
		return bridge.ShopAccess{}, err
	}
	directory := bridge.ShopDirectory{Registry: s.store, Sealer: sealer}
	registered, err := directory.Registered(ctx)
	if err != nil {
		return bridge.ShopAccess{}, err
	}
	row, is := registered[s.shopName]
	if !is {
		return bridge.ShopAccess{}, bridge.NoShop(s.shopName)
	}
	return directory.Access(row)
}

// shopFailure is the finding of a call the shop did not answer as it should.
func shopFailure(err error) finding {
	var refused *bridge.Error
	if errors.As(err, &refused) {
		return finding{state: failed, detail: refused.Message, fix: refused.PublicFix()}
	}
	var fault *bridge.ShopError
	if !errors.As(err, &fault) {
		return fail("%v", err)
	}
	return finding{state: failed, detail: fault.Message, fix: fault.Fix}
}

// leastVersion is the first PrestaShop whose webservice knows PATCH.
const leastVersion = 8

func (s *site) checkVersion(context.Context) finding {
	major, _, _ := strings.Cut(s.survey.Version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < leastVersion {
		return fail("PrestaShop %q", s.survey.Version)
	}
	return pass("PrestaShop %s", s.survey.Version)
}

// checkRights compares what is granted with what the bridge uses.
func (s *site) checkRights(context.Context) finding {
	needed := prestashop.NeededRights()
	missing := lacking(needed, s.survey.Rights)
	extra := lacking(s.survey.Rights, needed)
	// HEAD shows nothing that GET does not.
	extra = slices.DeleteFunc(extra, func(right string) bool { return strings.HasPrefix(right, "HEAD ") })
	// Customers are read only for clients that may see personal data.
	const customers = "GET customers"
	if slices.Contains(missing, customers) && !slices.Contains(s.config.clientScopes, auth.ScopePII) {
		missing = slices.DeleteFunc(missing, func(right string) bool { return right == customers })
	}
	switch {
	case len(missing) > 0:
		return fail("missing: %s", strings.Join(missing, ", ")).mend("Grant the key in the back office (Advanced Parameters, Webservice): %s.", strings.Join(missing, ", "))
	case len(extra) > 0:
		return warn("granted beyond need: %s", abridged(extra)).mend("Take from the key what the bridge never uses, deletions first.")
	}
	return pass("%d resources, nothing missing, nothing beyond need", len(s.survey.Rights))
}

// lacking lists the rights of one table that another does not have, as
// "METHOD resource": what deletes orders' products first, then what deletes or
// empties anything.
func lacking(wanted, given map[string][]string) (list []string) {
	for resource, methods := range wanted {
		for _, method := range methods {
			if !slices.Contains(given[resource], method) {
				list = append(list, method+" "+resource)
			}
		}
	}
	gravest := []string{"DELETE products", "DELETE orders", "DELETE ", "PUT "}
	weight := func(right string) string {
		at := slices.IndexFunc(gravest, func(prefix string) bool { return strings.HasPrefix(right, prefix) })
		return fmt.Sprint((at+len(gravest)+1)%(len(gravest)+1), right)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(weight(a), weight(b)) })
	return list
}

// mostNamed keeps a key with every right from filling the screen.
const mostNamed = 12

func abridged(list []string) string {
	if len(list) <= mostNamed {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:mostNamed], ", "), len(list)-mostNamed)
}

func (s *site) checkLanguages(ctx context.Context) finding {
	codes, err := s.shop.Languages(ctx)
	switch {
	case err != nil:
		return shopFailure(err)
	case len(codes) == 0:
		return fail("the shop shows no language")
	}
	return pass("%s", strings.Join(codes, ", "))
}

func (s *site) checkStates(ctx context.Context) finding {
	n, err := s.shop.OrderStates(ctx)
	switch {
	case err != nil:
		return shopFailure(err)
	case n == 0:
		return fail("the shop shows no order state")
	}
	return pass("%d order states", n)
}

// moduleKeys are settings that a payment module brings: a shop without it has
// no use for them.
var moduleKeys = []string{"PS_OS_CHEQUE", "PS_OS_BANKWIRE", "PS_OS_COD_VALIDATION", "PS_OS_WS_PAYMENT", "PS_OS_OUTOFSTOCK_PAID", "PS_OS_OUTOFSTOCK_UNPAID"}

// checkStatusKeys looks for the settings that tie the canonical words to the
// shop's states.
func (s *site) checkStatusKeys(ctx context.Context) finding {
	keys, err := s.shop.StatusKeys(ctx)
	if err != nil {
		return shopFailure(err)
	}
	var core, modules []string
	for _, k := range keys {
		switch {
		case k.State != 0:
		case slices.Contains(moduleKeys, k.Key):
			modules = append(modules, k.Key)
		default:
			core = append(core, k.Key)
		}
	}
	switch {
	case len(core)+len(modules) == len(keys):
		return fail("no PS_OS_* setting can be read").mend("Grant the key GET on configurations.")
	case len(core) > 0:
		return fail("missing, or naming a state that is gone: %s", strings.Join(append(core, modules...), ", "))
	case len(modules) > 0:
		return pass("%d statuses; without %s, which belong to payment modules", len(keys)-len(modules), strings.Join(modules, ", "))
	}
	return pass("%d statuses", len(keys))
}

func (s *site) checkIndexing(ctx context.Context) finding {
	const name = "PS_SEARCH_INDEXATION"
	value, f := s.setting(ctx, name)
	switch {
	case f != nil:
		return *f
	case value == "1":
		return pass("on: every change of a product re-indexes it inside the shop, which is the slow part of large imports")
	}
	return warn("off: the shop's search does not follow what the bridge changes")
}

func (s *site) checkMultistore(ctx context.Context) finding {
	const name = "PS_MULTISHOP_FEATURE_ACTIVE"
	value, f := s.setting(ctx, name)
	switch {
	case f != nil:
		return *f
	case value == "1":
		return warn("several stores: the bridge works on the one whose address is PRESTASHOP_URL")
	}
	return pass("one store")
}

// setting reads one setting of the shop; a shop that does not tell is no
// failure of its own, because the check of the rights names what is missing.
func (s *site) setting(ctx context.Context, name string) (string, *finding) {
	found, err := s.shop.Settings(ctx, name)
	unknown := skip("the shop does not say: %s cannot be read", name)
	if err != nil || !slices.Contains(slices.Collect(maps.Keys(found)), name) {
		return "", &unknown
	}
	return found[name], nil
}
