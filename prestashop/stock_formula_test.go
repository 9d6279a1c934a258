package prestashop

import (
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Every short history of one change and some sales, played against the
// formula: "applied" must mean that the stock is right, "not applied" that
// sending the difference again makes it right.
func TestTheFormulaIsSoundForEveryHistory(t *testing.T) {
	const stock = 10
	for delta := int64(-3); delta <= 3; delta++ {
		if delta == 0 {
			continue
		}
		for overwritten := range int64(4) { // sold between the read and the write
			for later := range int64(4) { // sold after the write, or after it was lost
				for _, arrived := range []bool{true, false} {
					note := stockNote{Quantity: stock, Target: stock + delta}
					quantity := stock - overwritten
					if arrived {
						quantity = note.Target
					}
					quantity -= later
					right := stock + delta - overwritten - later
					finding := note.finding(stockNow{quantity: quantity, sold: overwritten + later})
					switch {
					case finding.Verdict == bridge.Applied && quantity != right:
						t.Errorf("delta %d, sold %d then %d, arrived %v: applied, but %d is not %d", delta, overwritten, later, arrived, quantity, right)
					case finding.Verdict == bridge.NotApplied && quantity+delta != right:
						t.Errorf("delta %d, sold %d then %d, arrived %v: sending again gives %d, not %d", delta, overwritten, later, arrived, quantity+delta, right)
					case finding.Verdict == bridge.CannotKnow && !(arrived && overwritten > 0):
						t.Errorf("delta %d, sold %d then %d, arrived %v: cannot know, though no sale was overwritten", delta, overwritten, later, arrived)
					}
				}
			}
		}
	}
}

func TestGoodsThatCameBackAreNeverExplained(t *testing.T) {
	note := stockNote{Quantity: 10, Target: 15}
	for quantity := range int64(20) {
		if got := note.finding(stockNow{quantity: quantity, unsure: true}); got.Verdict != bridge.CannotKnow {
			t.Errorf("quantity %d: %+v", quantity, got)
		}
	}
}
