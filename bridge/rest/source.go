package rest

import (
	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// sources lets the checks of an entrance ask where a request comes from.
type sources struct{ auth.Sources }

// admit refuses a request from outside the allowed networks.
func (s sources) admit(v *visit) error {
	return bridge.AdmitSource(s.Sources, v.r)
}
