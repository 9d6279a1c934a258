package sandbox

import "fmt"

// What an employee does in the back office beyond the daily work of
// backoffice.go: things appear, disappear and are set up anew.

// AddProduct makes a product as an employee would.
func (s *Shop) AddProduct(item Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data.of(products).rows[item.ID] != nil {
		return fmt.Errorf("sandbox: there is a product %d", item.ID)
	}
	return s.stock(item)
}

// DeleteProduct removes a product with its stock, as the back office does: its
// orders keep pointing at it (466).
func (s *Shop) DeleteProduct(id int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data.of(products).rows[id] == nil {
		return fmt.Errorf("sandbox: no product %d", id)
	}
	removeProduct(s.backOffice(), id)
	return nil
}

// AddCustomer registers a customer.
func (s *Shop) AddCustomer(b Buyer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.register(b)
}

func (s *Shop) register(b Buyer) {
	s.data.seed(customers, b.ID, row{"firstname": b.Firstname, "lastname": b.Lastname, "email": b.Email, "id_lang": int64(1),
		"id_default_group": int64(3), "active": "1", "id_shop": int64(1), "id_shop_group": int64(1),
		"date_add": s.stamp(), "date_upd": s.stamp()})
}

// CustomerEdit is a change made in the back office. Nil fields stay.
type CustomerEdit struct {
	Lastname *string
	Deleted  *bool // the row stays, so that nobody registers with the address again
}

// EditCustomer changes a customer.
func (s *Shop) EditCustomer(id int, edit CustomerEdit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.data.of(customers).rows[id]
	if stored == nil {
		return fmt.Errorf("sandbox: no customer %d", id)
	}
	if edit.Lastname != nil {
		stored["lastname"] = *edit.Lastname
	}
	if edit.Deleted != nil {
		f, _ := customers.lookup("deleted")
		stored["deleted"] = f.column(*edit.Deleted)
	}
	stored["date_upd"] = s.stamp()
	return nil
}

// Configure sets a configuration value.
func (s *Shop) Configure(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stored := range s.data.of(configurations).rows {
		if stored["name"] == name {
			stored["value"], stored["date_upd"] = value, s.stamp()
			return nil
		}
	}
	return fmt.Errorf("sandbox: no setting %q", name)
}
