package policies

import "strings"

// kind says what a word can mean in a field name; a word may have several.
type kind uint32

const (
	price      kind = 1 << iota // an amount of money
	tax                         // a tax
	included                    // on either side of a tax: included
	with                        // before a tax: included
	excluded                    // on either side of a tax: excluded
	without                     // before a tax: excluded
	marker                      // by itself a tax-included price
	beforeTax                   // by itself a price before tax
	gross                       // tax-included when said of a price
	physical                    // makes gross and wt mean a weight
	negation                    // turns the next word round
	sort                        // a field that says which sort of thing its object is
	reference                   // a field whose value names another field
	address                     // a field that holds an address
	prose                       // a field that holds text about something
	database                    // a way into a database or a shell
	deletion                    // a wish to delete
	verb                        // a field that says what to do
	waiting                     // a wish for a synchronous answer
	background                  // the opposite of waiting
	patience                    // words that come with waiting
	filler                      // words that change nothing
)

// vocabulary is what the rules understand of field names, folded to lower-case
// Latin letters, in the languages PrestaShop merchants and the two connected
// systems write. Filler words are listed too: only a run of letters that is
// known to the end, such as newpricetaxincl, is read as words.
var vocabulary = words(map[kind]string{
	price: `price prices pricing prix preis preise precio precios prezzo prezzi prijs cena cenu preco precos pris
		cost costs amount amounts montant total totals subtotal tarif tarifs tariff tarifa betrag importe importo prc
		paid discount discounts wrapping shipping`,
	tax: `tax taxes taxe taxa tva vat gst hst iva mwst ust btw moms dph ndd steuer steuern mehrwertsteuer
		umsatzsteuer impuesto impuestos imposta imposte duties`,
	included: `incl inc include includes included including inclusive incluse incluses inclus incluida incluido
		incluidos inclusa incluso inkl inklusive inbegrepen enthalten compris comprise comprises compresa compreso`,
	with:      `with avec mit con met med vcetne after post`,
	excluded:  `excl exc ex exclude excludes excluded excluding exclusive exempt exkl exklusive exclus exclue esclusa excluida excluido free`,
	without:   `without before pre hors sans ohne senza sin zonder utan bez`,
	marker:    `ttc tvac sdph`,
	beforeTax: `ht htva net netto`,
	gross:     `gross brutto bruto lordo taxed wt ati tti`,
	physical:  `weight poids gewicht peso margin marge mass kg`,
	negation:  `not no non pas kein nicht never`,
	sort: `type mode kind basis display format regime flag flags label execution processing delivery response
		prefer preference return handling strategy`,
	reference: `field fields key attribute property column path pointer`,
	address: `url urls uri uris image images img imgs picture pictures photo photos pic pics link links href hrefs
		src source path paths file files filename filepath download downloads media attachment attachments
		thumbnail avatar icon logo endpoint callback webhook`,
	prose:    `alt legend caption title label text description count`,
	database: `sql query dsn jdbc odbc pdo mysql mariadb sqlite postgres database db shell exec`,
	deletion: `delete deletes deleted deletion destroy destroyed remove removed removal purge erase unlink drop
		trash supprimer supprime effacer loeschen loschen eliminar borrar elimina`,
	verb:       `action actions op ops operation operations method methods verb command cmd override intent task event type mode`,
	waiting:    `sync synchronous synchronously synchrone synchron wait await awaits blocking block blocked`,
	background: `async asynchronous asynchronously background queued deferred`,
	patience: `for until till completion complete completed done finish finished result results second seconds secs
		sec ms timeout run execute execution mode respond response force forced request requests process processing
		job jobs write writes call answer return now immediately is in to be the and`,
	filler: `unit product products item items new sale sales special base final retail wholesale the of all toutes
		tous toute tout value val per id is are has eur euro euros usd gbp currency catalog regular current old default
		order orders line lines shop store my de la le les du des name names min max customer public`,
})

// words turns the table round: from word to kinds.
func words(table map[kind]string) map[string]kind {
	byWord := map[string]kind{}
	for k, list := range table {
		for word := range strings.FieldsSeq(list) {
			byWord[word] |= k
		}
	}
	return byWord
}

// longestWord bounds the search of segment.
var longestWord = func() int {
	longest := 0
	for word := range vocabulary {
		longest = max(longest, len(word))
	}
	return longest
}()

// unknownKind finds what can be told of a word outside the vocabulary: names
// that end in ttc (pvttc, mtttc) or have it after a price (prixttcsolde), and
// the Chinese and Japanese words for a tax-included price unless they are
// denied (不含税, 未含税).
func unknownKind(word string) kind {
	if before, after, found := strings.Cut(word, "ttc"); found && (after == "" || segment(before).kinds()&price != 0) {
		return marker
	}
	for _, phrase := range []string{"含税", "含稅", "税込", "稅込"} {
		before, _, found := strings.Cut(word, phrase)
		if found && !strings.HasSuffix(before, "不") && !strings.HasSuffix(before, "未") {
			return marker
		}
	}
	return 0
}

// lookalikes maps letters of other scripts, and Latin letters that have no
// decomposition, to the ASCII letter they are read as. The lower-case form is
// listed; capitals follow it. A subset of UTS #39's confusables: the letters
// that occur in the vocabulary.
var lookalikes = pairs(
	// Cyrillic
	"аa вb сc ԁd еe ёe ғf һh нh іi їi јj кk ӏl мm пn оo рp ԛq гr ѕs тt цu ѵv ԝw хx уy",
	// Greek
	"αa βb ϲc εe ηn ιi κk λl μm νv οo ρp σs ςs τt υu ωw χx ζz",
	// Armenian
	"ցg հh լl ոn օo զq սu տs",
	// Latin without decomposition, small capitals
	"ıi ɩi łl øo đd ħh ŧt ƭt ƈc ɑa ɡg ʟl ɪi ɴn ʀr ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ᴊj ᴋk ᴍm ᴏo ᴘp ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz",
	// Cherokee and Lisu letters, which have no lower-case twin in use
	"ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᏞL ᎷM ᏢP ᎡR ᏒR ᏚS ᎢT ᏙV ᎳW ᏃZ ꓮA ꓐB ꓚC ꓓD ꓰE ꓖG ꓧH ꓲI ꓡL ꓟM ꓠN ꓳO ꓑP ꓣR ꓢS ꓔT ꓴU ꓦV ꓪW ꓫX ꓬY ꓜZ",
)

func pairs(lists ...string) map[rune]rune {
	table := map[rune]rune{}
	for _, list := range lists {
		for pair := range strings.FieldsSeq(list) {
			letters := []rune(pair)
			table[letters[0]] = letters[len(letters)-1]
		}
	}
	return table
}
