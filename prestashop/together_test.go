package prestashop

import (
	"context"
	"errors"
	"testing"
)

func TestIndependentReadsAreMadeAtOnce(t *testing.T) {
	met := make(chan struct{})
	meet := func() error {
		select {
		case met <- struct{}{}:
		case <-met:
		}
		return nil
	}
	if err := together(meet, nil, meet); err != nil {
		t.Error(err)
	}
}

func TestTheFirstErrorInOrderCounts(t *testing.T) {
	first, second, third := errors.New("first"), errors.New("second"), errors.New("third")
	fails := func(err error) func() error { return func() error { return err } }
	for _, row := range []struct{ want, a, b, c error }{
		{first, first, second, third}, {second, nil, second, third}, {third, nil, nil, third}, {nil, nil, nil, nil},
	} {
		if got := together(fails(row.a), fails(row.b), nil, fails(row.c)); got != row.want {
			t.Errorf("%v, %v, %v gave %v", row.a, row.b, row.c, got)
		}
	}
}

func TestAListAtHandNeedsNoRead(t *testing.T) {
	loads := 0
	list := cached[int]{load: func(context.Context) (int, error) { loads++; return loads, nil }}
	var got int
	if err := together(list.into(t.Context(), &got)); err != nil || got != 1 {
		t.Errorf("first: %d, %v", got, err)
	}
	got = 0
	if read := list.into(t.Context(), &got); read != nil || got != 1 {
		t.Errorf("at hand: %d, and there is a read: %v", got, read != nil)
	}
	list.drop()
	if err := together(list.into(t.Context(), &got)); err != nil || got != 2 {
		t.Errorf("dropped: %d, %v", got, err)
	}
}
