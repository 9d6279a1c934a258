package prestashop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// registryLifetime is how long the list of registered shops is believed: a
// rotated key is used, and a removed shop left alone, within that time.
const registryLifetime = time.Second

// registryTimeout bounds one look into the list.
const registryTimeout = 5 * time.Second

// Shops are the shops of one deployment: that of the settings, open from the
// start, and the registered ones, each opened when it is first asked for, with
// connections, breaker and caches of its own. It is safe for concurrent use.
type Shops struct {
	options    Options
	memory     func(shop string) ImageMemory
	directory  bridge.ShopDirectory
	configured *Shop
	registered cached[map[string]bridge.RegisteredShop]

	mu   sync.Mutex
	open map[string]opened
}

// opened is a shop with the row it was opened from.
type opened struct {
	*Shop
	from bridge.RegisteredShop
}

var _ bridge.Shops = (*Shops)(nil)

// NewShops opens the shop of the settings. o is how the others are treated as
// well, but for URL, Key, EmployeeID and Name; memory gives each its own.
func NewShops(o Options, memory func(shop string) ImageMemory, directory bridge.ShopDirectory) (*Shops, error) {
	o.Memory = memory("")
	configured, err := New(o)
	if err != nil {
		return nil, err
	}
	s := &Shops{options: o, memory: memory, directory: directory, configured: configured, open: map[string]opened{}}
	s.registered.lifetime = registryLifetime
	s.registered.load = func(ctx context.Context) (map[string]bridge.RegisteredShop, error) {
		ctx, cancel := context.WithTimeout(ctx, registryTimeout)
		defer cancel()
		return directory.Registered(ctx)
	}
	return s, nil
}

// Shop gives the shop of that name as it is registered now.
func (s *Shops) Shop(ctx context.Context, name string) (bridge.Shop, error) {
	if name == "" {
		return s.configured, nil
	}
	shop, err := s.find(ctx, name)
	if err != nil {
		return nil, err // no typed nil in the interface
	}
	return shop, nil
}

// Open is Shop with all this package knows of it.
func (s *Shops) Open(ctx context.Context, name string) (*Shop, error) {
	if name == "" {
		return s.configured, nil
	}
	return s.find(ctx, name)
}

func (s *Shops) find(ctx context.Context, name string) (*Shop, error) {
	registered, err := s.registered.get(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeOutdated(registered)
	if known, isOpen := s.open[name]; isOpen {
		return known.Shop, nil
	}
	row, is := registered[name]
	if !is {
		return nil, bridge.NoShop(name)
	}
	shop, err := s.connect(row)
	if err != nil {
		return nil, err
	}
	s.open[name] = opened{shop, row}
	return shop, nil
}

// closeOutdated lets go of the shops whose row has changed or is gone. Who has
// one in hand goes on with it; its connections close as their calls end.
func (s *Shops) closeOutdated(registered map[string]bridge.RegisteredShop) {
	for name, known := range s.open {
		if row, is := registered[name]; !is || !reflect.DeepEqual(row, known.from) {
			known.Close()
			delete(s.open, name)
		}
	}
}

func (s *Shops) connect(row bridge.RegisteredShop) (*Shop, error) {
	access, err := s.directory.Access(row)
	if err != nil {
		return nil, err
	}
	o := s.options
	o.Name, o.URL, o.Key, o.EmployeeID, o.Memory = row.Name, access.URL, access.Key, access.EmployeeID, s.memory(row.Name)
	shop, err := New(o)
	if err != nil {
		fault := unreached("The shop's registration cannot be used.", err)
		fault.Fix = "The operator must correct it: bridge shops set, bridge shops rotate-key."
		return nil, fault
	}
	return shop, nil
}

// Names are the shops there are, "" for that of the settings.
func (s *Shops) Names(ctx context.Context) ([]string, error) {
	registered, err := s.registered.get(ctx)
	if err != nil {
		return nil, err
	}
	return append(slices.Sorted(maps.Keys(registered)), ""), nil
}

// Several reports whether there is a shop besides that of the settings.
func (s *Shops) Several(ctx context.Context) (bool, error) {
	registered, err := s.registered.get(ctx)
	return len(registered) > 0, err
}

// Ping asks every shop at once and tells which do not answer. While the list
// of shops cannot be read, that of the settings alone is asked.
func (s *Shops) Ping(ctx context.Context) error {
	names := []string{""}
	if registered, err := s.registered.get(ctx); err == nil {
		for name := range registered {
			names = append(names, name)
		}
	}
	troubles := make([]error, len(names))
	var asked sync.WaitGroup
	for i, name := range names {
		asked.Go(func() {
			shop, err := s.Open(ctx, name)
			if err == nil {
				_, err = shop.Ping(ctx)
			}
			if err != nil {
				troubles[i] = fmt.Errorf("shop %s: %w", bridge.ShopLabel(name), err)
			}
		})
	}
	asked.Wait()
	return errors.Join(troubles...)
}

// Breakers are the states of the circuit breakers by shop, as far as the shops
// were asked for anything.
func (s *Shops) Breakers() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[string]string{bridge.DefaultShop: s.configured.Breaker()}
	for name, known := range s.open {
		states[name] = known.Breaker()
	}
	return states
}

// Close lets go of all shops.
func (s *Shops) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured.Close()
	s.closeOutdated(nil)
}
