package prestashop

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The rows of the webservice, with the fields this package reads. Everything
// else in them is ignored.
type (
	productRow struct {
		ID              number              `json:"id"`
		Reference       text                `json:"reference"`
		Active          flag                `json:"active"`
		Price           text                `json:"price"`
		TaxGroup        number              `json:"id_tax_rules_group"`
		UpdatedAt       text                `json:"date_upd"`
		Name            localized           `json:"name"`
		MetaTitle       localized           `json:"meta_title"`
		MetaDescription localized           `json:"meta_description"`
		LinkRewrite     localized           `json:"link_rewrite"`
		Description     localized           `json:"description"`
		Associations    productAssociations `json:"associations"`
	}
	productAssociations struct {
		Categories idList
		Images     idList
	}
	stockRow struct {
		ID          number `json:"id"`
		Product     number `json:"id_product"`
		Combination number `json:"id_product_attribute"`
		Quantity    number `json:"quantity"`
	}
	saleRow struct {
		ID       number `json:"id"` // id_order_detail
		Order    number `json:"id_order"`
		Product  number `json:"product_id"`
		Quantity number `json:"product_quantity"`
		Restored number `json:"product_quantity_reinjected"`
	}
	orderRow struct {
		ID           number            `json:"id"`
		Reference    text              `json:"reference"`
		State        number            `json:"current_state"`
		Currency     number            `json:"id_currency"`
		Customer     number            `json:"id_customer"`
		TaxIncl      text              `json:"total_paid_tax_incl"`
		TaxExcl      text              `json:"total_paid_tax_excl"`
		CreatedAt    text              `json:"date_add"`
		UpdatedAt    text              `json:"date_upd"`
		Associations orderAssociations `json:"associations"`
	}
	orderAssociations struct{ Lines []lineRow }
	lineRow           struct {
		Product     number `json:"product_id"`
		Combination number `json:"product_attribute_id"`
		Quantity    number `json:"product_quantity"`
		Name        text   `json:"product_name"`
		Reference   text   `json:"product_reference"`
		TaxIncl     text   `json:"unit_price_tax_incl"`
		TaxExcl     text   `json:"unit_price_tax_excl"`
	}
	carrierRow struct { // of one order
		ID       number `json:"id"`
		Order    number `json:"id_order"`
		Carrier  number `json:"id_carrier"`
		Tracking text   `json:"tracking_number"`
	}
	historyRow struct {
		ID       number `json:"id"`
		Employee number `json:"id_employee"`
		State    number `json:"id_order_state"`
		Order    number `json:"id_order"`
		At       text   `json:"date_add"`
	}
	customerRow struct {
		ID        number `json:"id"`
		FirstName text   `json:"firstname"`
		LastName  text   `json:"lastname"`
		Email     text   `json:"email"`
		Deleted   flag   `json:"deleted"`
	}
)

// UnmarshalJSON reads the associations, an object or the empty [].
func (a *productAssociations) UnmarshalJSON(raw []byte) error {
	var doc struct {
		Categories idList `json:"categories"`
		Images     idList `json:"images"`
	}
	err := object(raw, &doc)
	*a = productAssociations{Categories: doc.Categories, Images: doc.Images}
	return err
}

// UnmarshalJSON reads the associations, an object or the empty [].
func (a *orderAssociations) UnmarshalJSON(raw []byte) error {
	var doc struct {
		Lines json.RawMessage `json:"order_rows"`
	}
	a.Lines = nil
	if err := object(raw, &doc); err != nil || !bytes.HasPrefix(doc.Lines, []byte("[")) {
		return err
	}
	return json.Unmarshal(doc.Lines, &a.Lines)
}

// rows reads a collection. The filter is the shop's; what must hold exactly is
// compared again by the caller, because a filter the shop cannot read is
// ignored or matches loosely (recordings 025, 046).
func rows[T any](ctx context.Context, c *client, resource string, query url.Values) ([]T, error) {
	if !query.Has("display") {
		query.Set("display", "full") // else zeros and blanks are left out (recording 205)
	}
	out := call{method: http.MethodGet, resource: resource, query: query}
	a, err := c.do(ctx, out)
	if err != nil {
		return nil, err
	}
	list, err := decodeRows[T](a.body, resource)
	if err != nil {
		return nil, unreadable(out, err)
	}
	return list, nil
}

// row reads one entity by id.
func row[T any](ctx context.Context, c *client, resource string, id int64) (found T, err error) {
	found, _, err = rowAt[T](ctx, c, resource, id)
	return found, err
}

// rowAt is row with the shop's time, zero when the answer does not tell.
func rowAt[T any](ctx context.Context, c *client, resource string, id int64) (found T, at time.Time, err error) {
	out := call{method: http.MethodGet, resource: resource, id: id, query: url.Values{"display": {"full"}}}
	a, err := c.do(ctx, out)
	if err != nil {
		return found, at, err
	}
	list, err := decodeRows[T](a.body, resource)
	if err != nil {
		return found, at, unreadable(out, err)
	}
	if len(list) != 1 {
		return found, at, missing(out)
	}
	return list[0], a.clock(), nil
}

// together makes independent reads at once, those that are nil left out; the
// first error in their order counts. The first read is made where the caller
// stands: a goroutine less, with a stack that has to grow.
func together(first func() error, others ...func() error) error {
	errs := make([]error, len(others))
	var underway sync.WaitGroup
	for i, read := range others {
		if read != nil {
			underway.Go(func() { errs[i] = read() })
		}
	}
	err := first()
	underway.Wait()
	return cmp.Or(err, cmp.Or(errs...))
}

// decodeRows reads {"products":[…]}, or the bare [] of an empty list
// (recording 022).
func decodeRows[T any](body []byte, resource string) ([]T, error) {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) {
		var none []json.RawMessage
		if err := json.Unmarshal(body, &none); err != nil || len(none) > 0 {
			return nil, errors.New("a list without its name")
		}
		return nil, nil
	}
	if raw, ok := soleMember(body, resource); ok {
		var list []T
		if json.Unmarshal(raw, &list) == nil {
			return list, nil
		}
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	raw, named := doc[resource]
	if !named {
		return nil, fmt.Errorf("no %s in the answer", resource)
	}
	var list []T
	err := json.Unmarshal(raw, &list)
	return list, err
}

// soleMember cuts {"products":…} open, so that the answer is not read a second
// time for its one member. Where there is more, what is cut is no JSON.
func soleMember(body []byte, name string) (value []byte, ok bool) {
	if value, ok = bytes.CutPrefix(body, []byte(`{"`+name+`":`)); !ok {
		return nil, false
	}
	return bytes.CutSuffix(value, []byte("}"))
}

// savedID reads the id out of the answer to a POST or PATCH:
// {"product":{"id":"6",…}}.
func savedID(body []byte, node string) (int64, error) {
	var doc map[string]struct {
		ID number `json:"id"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return 0, err
	}
	if doc[node].ID <= 0 {
		return 0, fmt.Errorf("no id of %s in the answer", node)
	}
	return int64(doc[node].ID), nil
}

// where makes an equality filter.
func where(field string, id int64) url.Values {
	return url.Values{"filter[" + field + "]": {strconv.FormatInt(id, 10)}}
}

// anyOf makes a filter of alternatives: [1|2|3].
func anyOf[T any](field string, values []T) url.Values {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return url.Values{"filter[" + field + "]": {"[" + strings.Join(texts, "|") + "]"}}
}
