package policies

import "testing"

func TestTaxIncludedPriceHoweverSpelt(t *testing.T) {
	for attack, keys := range map[string][]string{
		"the plain names": {
			"price_ttc", "priceTtc", "priceTTC", "PRICE-TTC", "prixTTC", "prix_ttc", "ttc", "TTCPrice", "pricettc", "PRICETTC",
			"price_tax_incl", "price_taxincluded", "priceTaxIncluded", "taxIncludedPrice", "price_with_tax", "price_incl_tax",
			"priceIncTax", "unit_price_tax_incl", "total_wt", "total_products_wt", "gross_price", "priceGross", "brutto",
			"bruttoPreis", "prix_toutes_taxes", "prixToutesTaxesComprises", "price_vat_included", "vatInclusivePrice",
		},
		"the languages of merchants": {
			"preis_inkl_mwst", "preisInklusiveMehrwertsteuer", "prezzo_iva_inclusa", "precio_con_iva", "prijs_incl_btw",
			"cena_s_dph", "cenaSDPH", "cena_vcetne_dph", "pris_inkl_moms", "prezzoLordo", "prix_tvac", "含税价", "税込価格", "price_含税",
		},
		"words moved, glued and padded": {
			"incl_tax_price", "price.tax.incl", "price tax incl", "price/tax/incl", "new_price_incl_vat", "tax_incl_unit_price_eur",
			"p.r.i.c.e.t.t.c", "price__TTC__", "_ttc_price", "price2ttc", "price_ttc_2", "PrIcE_tTc", "pRiCeTtC", "pricetaxincl", "mypvttc", "prixTTCsolde", "prixttcsolde",
			"unitpricetaxincluded", "price_after_tax", "priceAti", "taxed_price", "priceIncl", "price_not_excluding_tax",
			"price_incl_tax_excl_shipping", "price_tax_incl_shipping_excl", "totalPaidTaxIncl", "price_with_all_taxes",
		},
		"letters that only look Latin": {
			"ｐｒｉｃｅ＿ｔｔｃ", "ＰＲＩＣＥＴＴＣ", "рriсе_ttс", "price_ттс", "priceТТС", "𝐩𝐫𝐢𝐜𝐞_𝐭𝐭𝐜", "ⓟⓡⓘⓒⓔⓣⓣⓒ", "price_ᴛᴛᴄ", "ᏢᎡICE_TTC", "priᴄe_τtc", "price_ꓔꓔꓚ",
		},
		"characters nobody sees": {
			"price_t\u200btc", "pri\u00adce_ttc", "price\u2060_\u2060t\u2060t\u2060c", "price_ttc\u0000", "pr\ufe0fice_ttc", "\ufeffprice_ttc", "price_t\u034ftc", "price_\u3164ttc",
		},
		"accents and other separators": {
			"prîx_ttc", "prix_t́t́ć", "p̶r̶i̶x̶_ttc", "prix·ttc", "prix—ttc", "prix\u00a0ttc", "preço_com_ttc", "price:ttc", "price[ttc]",
		},
	} {
		t.Run(attack, func(t *testing.T) {
			for _, key := range keys {
				in := Intention{Write: true, Payload: map[string]any{"updates": map[string]any{key: "12.5"}}}
				violations := (Book{}).CheckRaw(in)
				if len(violations) != 1 || violations[0].Rule != HTOnly || violations[0].Pointer != "/updates/"+pointerEscapes.Replace(key) {
					t.Errorf("%q (%+q): got %v", key, key, violations)
				}
			}
		})
	}
}

func TestTaxIncludedMarkers(t *testing.T) {
	for attack, c := range map[string]struct{ payload, pointer string }{
		"a switch beside a price":             {`{"price":12,"tax_included":true}`, "/tax_included"},
		"a switch as text":                    {`{"price":12,"taxIncluded":"true"}`, "/taxIncluded"},
		"a switch as number":                  {`{"price":12,"is_ttc":1}`, "/is_ttc"},
		"a before-tax switch that is off":     {`{"price":12,"tax_excluded":false}`, "/tax_excluded"},
		"before tax, off":                     {`{"price":12,"ht":false}`, "/ht"},
		"price includes tax":                  {`{"price_includes_tax":true}`, "/price_includes_tax"},
		"the sort of price":                   {`{"price":12,"price_type":"ttc"}`, "/price_type"},
		"the sort of price, gross":            {`{"amount_kind":"gross"}`, "/amount_kind"},
		"the sort of object":                  {`{"price":12,"type":"TTC"}`, "/type"},
		"the sort of object, in words":        {`{"price":12,"mode":"tax included"}`, "/mode"},
		"tax incl":                            {`{"price":12,"tax":"incl"}`, "/tax"},
		"tax with":                            {`{"price":12,"vat":"with"}`, "/vat"},
		"tax mode":                            {`{"tax_mode":"inclusive"}`, "/tax_mode"},
		"included: tax":                       {`{"price_includes":"vat"}`, "/price_includes"},
		"included: [tax]":                     {`{"price_includes":["tva"]}`, "/price_includes/0"},
		"in the amount itself":                {`{"price":"12.50 TTC"}`, "/price"},
		"in the amount before tax":            {`{"price_ht":"12.50 incl. VAT"}`, "/price_ht"},
		"an object of amounts":                {`{"price":{"ttc":12}}`, "/price/ttc"},
		"an object of amounts, gross":         {`{"price":{"gross":12}}`, "/price/gross"},
		"an object about tax":                 {`{"tax":{"included":true}}`, "/tax/included"},
		"an object with tax":                  {`{"price":{"with_tax":12}}`, "/price/with_tax"},
		"an array of objects":                 {`{"prices":[{"tax":{"incl":12}}]}`, "/prices/0/tax/incl"},
		"a null is a wish to touch it":        {`{"price_ttc":null}`, "/price_ttc"},
		"a field named in a value":            {`{"field":"price_ttc","value":12}`, "/field"},
		"a name and a value":                  {`{"name":"price_ttc","value":12}`, "/name"},
		"at depth":                            {`{"items":[{},{"a":{"b":[[{"prixTTC":1}]]}}]}`, "/items/1/a/b/0/0/prixTTC"},
		"Upgates' own switch":                 {`{"prices_with_vat_yn":true}`, "/prices_with_vat_yn"},
		"disguised marker value":              {`{"price":1,"price_type":"Т\u200bТС"}`, "/price_type"},
		"a price whose value is an object":    {`{"price_ttc":{}}`, "/price_ttc"},
		"a price at the very top of an array": {`[{"price_ttc":1}]`, "/0/price_ttc"},
	} {
		t.Run(attack, func(t *testing.T) {
			got := broken(write(t, c.payload))
			if len(got) != 1 || got[0] != "ht-only "+c.pointer {
				t.Errorf("%s: got %v, want ht-only %s", c.payload, got, c.pointer)
			}
		})
	}
}

func TestReadsMayNameTaxIncludedPrices(t *testing.T) {
	in := Intention{Operation: "get_order", Payload: decode(t, `{"order_id":1,"total_tax_incl":true}`)}
	if got := broken(in); got != nil {
		t.Error(got)
	}
}
