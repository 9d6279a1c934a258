package prestashop_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

func TestSurvey(t *testing.T) {
	s := withRights(t, neededRights())
	found, err := s.shop.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found.Version != sandbox.Version || found.Name == "" || time.Since(found.Date).Abs() > time.Minute || found.Answered.Before(found.Asked) {
		t.Errorf("%+v", found)
	}
	for _, methods := range found.Rights {
		slices.Sort(methods)
	}
	if diff := cmp.Diff(prestashop.NeededRights(), found.Rights); diff != "" {
		t.Errorf("the rights of a key that has what is needed (-needed +granted):\n%s", diff)
	}
}

func TestSurveyOfAShopThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		act  sandbox.Action
		want bridge.ShopFault
	}{
		"down":         {sandbox.Down(), bridge.Unreached},
		"a wrong key":  {sandbox.Refuse(401, 20), bridge.Refused},
		"another page": {sandbox.Garbage(), bridge.Unreached},
	} {
		s := withRights(t, neededRights())
		s.stand.Inject(sandbox.Fault{Act: c.act})
		var fault *bridge.ShopError
		if _, err := s.shop.Survey(t.Context()); !errors.As(err, &fault) || fault.Fault != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the probe needs is what TestTheNeededRightsAreEnough shows to be enough.
func TestNeededRightsAreThoseOfTheCalls(t *testing.T) {
	want := map[string][]string(neededRights())
	for _, methods := range want {
		slices.Sort(methods)
	}
	if diff := cmp.Diff(want, prestashop.NeededRights()); diff != "" {
		t.Error(diff)
	}
}

func TestReadingsOfTheProbe(t *testing.T) {
	s := withRights(t, neededRights())
	if codes, err := s.shop.Languages(t.Context()); err != nil || !slices.Equal(codes, []string{"en", "fr"}) {
		t.Errorf("languages %v, %v", codes, err)
	}
	if n, err := s.shop.OrderStates(t.Context()); err != nil || n != 13 {
		t.Errorf("%d states, %v", n, err)
	}
	keys, err := s.shop.StatusKeys(t.Context())
	if err != nil || len(keys) != 13 || slices.ContainsFunc(keys, func(k prestashop.StatusKey) bool { return k.State == 0 }) {
		t.Errorf("status keys %+v, %v", keys, err)
	}
	found, err := s.shop.Settings(t.Context(), "PS_SEARCH_INDEXATION", "PS_NONE")
	if err != nil || !maps.Equal(found, map[string]string{"PS_SEARCH_INDEXATION": "1"}) {
		t.Errorf("settings %v, %v", found, err)
	}
}

func TestReadingsWithoutTheRight(t *testing.T) {
	s := withRights(t, sandbox.Rights{"products": {"GET"}})
	for name, read := range map[string]func(context.Context) error{
		"languages":    func(ctx context.Context) error { _, err := s.shop.Languages(ctx); return err },
		"order states": func(ctx context.Context) error { _, err := s.shop.OrderStates(ctx); return err },
		"status keys":  func(ctx context.Context) error { _, err := s.shop.StatusKeys(ctx); return err },
		"settings":     func(ctx context.Context) error { _, err := s.shop.Settings(ctx, "PS_SHOP_NAME"); return err },
	} {
		if err := read(t.Context()); err == nil {
			t.Errorf("%s were read without the right", name)
		}
	}
}
