package sandbox

// DemoVariantProduct is the product of the demo catalogue that has combinations.
const DemoVariantProduct = 8

// DemoCatalogue is the shop of the demo: a small stationery and home shop of
// our own. Product 1 is a simple one with stock, product 8 has combinations,
// product 14 is not on sale, and product 16 has its stock at zero.
func DemoCatalogue() *Catalogue {
	return &Catalogue{
		ShopName: "Atelier Lune",
		Categories: []Shelf{
			{1, 0, both("Root", "Racine")},
			{2, 1, both("Home", "Accueil")},
			{3, 2, both("Paper", "Papeterie")},
			{4, 2, both("Kitchen", "Cuisine")},
			{5, 2, both("Textiles", "Textile")},
			{6, 2, both("Lighting", "Luminaires")},
		},
		Carriers: []Haulier{
			{1, "Pick up at the shop", "", both("Ready in an hour", "Prêt en une heure")},
			{2, "Colis Rapide", "https://tracking.example/parcel?number=@", both("Delivery in two days", "Livraison en deux jours")},
		},
		Customers: []Buyer{
			{1, "Camille", "Moreau", "camille.moreau@example.com"},
			{2, "Sam", "Taylor", "sam.taylor@example.com"},
			{3, "Inès", "Garnier", "ines.garnier@example.com"},
		},
		Products: demoProducts(),
		Orders:   demoOrders(),
	}
}

func both(english, french string) Texts { return Texts{1: english, 2: french} }

func demoProducts() []Item {
	return []Item{
		{ID: 1, Reference: "LUNE-NB-A5", Price: "9.90", Shelf: 3, Quantity: 120, Pictures: 2, Weight: "0.25",
			Name:  both("A5 dotted notebook", "Carnet A5 pointillé"),
			Short: both("<p>160 pages, recycled paper.</p>", "<p>160 pages, papier recyclé.</p>")},
		{ID: 2, Reference: "LUNE-NB-A4", Price: "14.50", Shelf: 3, Quantity: 80, Pictures: 1, Weight: "0.48",
			Name:  both("A4 dotted notebook", "Carnet A4 pointillé"),
			Short: both("<p>200 pages, lies flat.</p>", "<p>200 pages, s'ouvre à plat.</p>")},
		{ID: 3, Reference: "LUNE-PEN-01", Price: "4.20", Shelf: 3, Quantity: 300, Pictures: 1,
			Name:  both("Brass ballpoint pen", "Stylo bille en laiton"),
			Short: both("<p>Refillable.</p>", "<p>Rechargeable.</p>")},
		{ID: 4, Reference: "LUNE-PEN-INK", Price: "7.00", Shelf: 3, Quantity: 60, Pictures: 1,
			Name:  both("Midnight blue ink, 30 ml", "Encre bleu nuit, 30 ml"),
			Short: both("<p>For fountain pens.</p>", "<p>Pour stylo plume.</p>")},
		{ID: 5, Reference: "LUNE-MUG-01", Price: "11.90", Shelf: 4, Quantity: 45, Pictures: 2, Weight: "0.43",
			Name:  both("Stoneware mug, moss green", "Tasse en grès, vert mousse"),
			Short: both("<p>350 ml, dishwasher safe.</p>", "<p>350 ml, passe au lave-vaisselle.</p>")},
		{ID: 6, Reference: "LUNE-MUG-02", Price: "11.90", Shelf: 4, Quantity: 38, Pictures: 1, Weight: "0.43",
			Name:  both("Stoneware mug, sand", "Tasse en grès, sable"),
			Short: both("<p>350 ml, dishwasher safe.</p>", "<p>350 ml, passe au lave-vaisselle.</p>")},
		{ID: 7, Reference: "LUNE-BOARD", Price: "24.00", Shelf: 4, Quantity: 22, Pictures: 1, Weight: "1.10",
			Name:  both("Beech chopping board", "Planche à découper en hêtre"),
			Short: both("<p>Oiled, 35 × 22 cm.</p>", "<p>Huilée, 35 × 22 cm.</p>")},
		{ID: DemoVariantProduct, Reference: "LUNE-SHIRT", Price: "29.00", Shelf: 5, Pictures: 2, Weight: "0.20",
			Name:  both("Organic cotton T-shirt", "T-shirt en coton bio"),
			Short: both("<p>Straight cut.</p>", "<p>Coupe droite.</p>"),
			Variants: []Variant{
				{Reference: "LUNE-SHIRT-S", Label: "Size S", Quantity: 12},
				{Reference: "LUNE-SHIRT-M", Label: "Size M", Quantity: 20},
				{Reference: "LUNE-SHIRT-L", Label: "Size L", Impact: "1.50", Quantity: 9},
			}},
		{ID: 9, Reference: "LUNE-TOWEL", Price: "12.40", Shelf: 5, Quantity: 64, Pictures: 1,
			Name:  both("Linen tea towel", "Torchon en lin"),
			Short: both("<p>50 × 70 cm.</p>", "<p>50 × 70 cm.</p>")},
		{ID: 10, Reference: "LUNE-CUSHION", Price: "32.00", Shelf: 5, Quantity: 18, Pictures: 1,
			Name:  both("Wool cushion, ochre", "Coussin en laine, ocre"),
			Short: both("<p>45 × 45 cm.</p>", "<p>45 × 45 cm.</p>")},
		{ID: 11, Reference: "LUNE-LAMP-01", Price: "89.00", Shelf: 6, Quantity: 7, Pictures: 1, Weight: "2.40",
			Name:  both("Paper table lamp", "Lampe de table en papier"),
			Short: both("<p>With dimmer.</p>", "<p>Avec variateur.</p>")},
		{ID: 12, Reference: "LUNE-CANDLE", Price: "16.50", Shelf: 6, Quantity: 140, Pictures: 1,
			Name:  both("Soy candle, fig", "Bougie de soja, figue"),
			Short: both("<p>40 hours.</p>", "<p>40 heures.</p>")},
		{ID: 13, Reference: "LUNE-CARDS", Price: "8.00", Shelf: 3, Quantity: 200,
			Name:  both("Set of 8 greeting cards", "Lot de 8 cartes de vœux"),
			Short: both("<p>With envelopes.</p>", "<p>Avec enveloppes.</p>")},
		{ID: 14, Reference: "LUNE-CAL-24", Price: "19.00", Shelf: 3, Quantity: 3, Inactive: true,
			Name:  both("Wall calendar 2024", "Calendrier mural 2024"),
			Short: both("<p>No longer sold.</p>", "<p>N'est plus vendu.</p>")},
		{ID: 15, Reference: "LUNE-TEAPOT", Price: "42.00", Shelf: 4, Quantity: 11, Pictures: 1, Weight: "0.90",
			Name:  both("Cast iron teapot", "Théière en fonte"),
			Short: both("<p>0.8 l.</p>", "<p>0,8 l.</p>")},
		{ID: 16, Reference: "LUNE-VASE", Price: "27.50", Shelf: 4, Quantity: 0,
			Name:  both("Blown glass vase", "Vase en verre soufflé"),
			Short: both("<p>Made to order.</p>", "<p>Fabriqué sur commande.</p>")},
	}
}

func demoOrders() []PlacedOrder {
	return []PlacedOrder{
		{ID: 1, Reference: "LNAAAAAAA", Customer: 1, Carrier: 2, States: []int{1}, Placed: "2026-03-02 09:12:44",
			Rows: []OrderedItem{{1, 0, 2}, {3, 0, 1}}},
		{ID: 2, Reference: "LNBBBBBBB", Customer: 2, Carrier: 2, States: []int{10, 2}, Placed: "2026-03-03 14:30:05", Module: "ps_wirepayment",
			Rows: []OrderedItem{{5, 0, 4}}},
		{ID: 3, Reference: "LNCCCCCCC", Customer: 3, Carrier: 2, States: []int{1, 2, 3}, Placed: "2026-03-04 18:02:51",
			Rows: []OrderedItem{{DemoVariantProduct, 2, 1}, {9, 0, 2}}},
		{ID: 4, Reference: "LNDDDDDDD", Customer: 1, Carrier: 2, States: []int{1, 2, 3, 4}, Tracking: "CR0004512789FR", Placed: "2026-03-05 08:47:13",
			Rows: []OrderedItem{{11, 0, 1}}},
		{ID: 5, Reference: "LNEEEEEEE", Customer: 2, Carrier: 1, States: []int{1, 2, 3, 5}, Placed: "2026-03-06 11:20:00",
			Rows: []OrderedItem{{12, 0, 3}, {13, 0, 1}}},
		{ID: 6, Reference: "LNFFFFFFF", Customer: 3, Carrier: 2, States: []int{1, 6}, Placed: "2026-03-07 20:15:38",
			Rows: []OrderedItem{{15, 0, 1}}},
	}
}
