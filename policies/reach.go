package policies

import (
	"net/url"
	"strings"
)

// reachesInside finds what would take the bridge past its six operations: a
// way into the database or a shell, and addresses that are files, other
// protocols or hosts of the private network.
func reachesInside(b Book, m *member) (string, bool) {
	if !m.element && m.name.kinds&database != 0 && affirmed(m.value) {
		return "There is no access to the database or a shell.", true
	}
	text, isText := m.value.(string)
	if !isText {
		return "", false
	}
	switch addressField(m) {
	case wholeAddress:
		if !resemblesAddress(text) {
			return "", false // a plain word is the schema's business
		}
		if err := b.CheckURL(text); err != nil {
			return "Refused: " + strings.TrimPrefix(err.Error(), ErrAddressRefused.Error()+": ") + ".", true
		}
	case maybeAddress:
		if hasInwardScheme(text) {
			return "Refused: it is not a full http(s) URL.", true
		}
	}
	return "", false
}

// field tells how a text value is to be read.
type field int

const (
	noAddress field = iota
	maybeAddress
	wholeAddress
)

// addressField goes by the member's name (and an array's name for its
// elements). A text about an image, and any other text inside an image object,
// is only looked at for schemes that never occur in prose.
func addressField(m *member) field {
	switch {
	case m.holdsAddresses() && m.name.kinds&prose == 0:
		return wholeAddress
	case m.holdsAddresses(), m.inside:
		return maybeAddress
	}
	return noAddress
}

// holdsAddresses goes by the name; link_rewrite is a slug, not a link.
func (m *member) holdsAddresses() bool {
	return m.name.kinds&address != 0 && m.name.letters != "linkrewrite"
}

// resemblesAddress reports whether a text in an address field is meant as one:
// it has a scheme, a slash, a dot. "not a url" is left to the schema.
func resemblesAddress(text string) bool {
	for _, form := range disguises(text) {
		if strings.ContainsAny(form, `/\:~`) || (strings.Contains(form, ".") && !strings.Contains(form, " ")) {
			return true
		}
	}
	return false
}

// inwardSchemes are the schemes of PHP, Java, curl and Windows that read files,
// speak to local services or run something.
var inwardSchemes = strings.Fields(`file data ftp ftps sftp scp tftp gopher dict ldap ldaps jar netdoc php phar zip glob
	expect ogg rar compress.zlib javascript vbscript blob view-source unix smb cifs afp nfs ssh telnet redis mysql
	mariadb postgres mongodb`)

func hasInwardScheme(text string) bool {
	for _, form := range disguises(text) {
		form = strings.ToLower(strings.TrimSpace(form))
		if strings.HasPrefix(form, "//") || strings.HasPrefix(form, `\\`) {
			return true
		}
		for _, scheme := range inwardSchemes {
			if rest, found := strings.CutPrefix(form, scheme+":"); found && rest != "" && !strings.HasPrefix(rest, " ") {
				return true
			}
		}
	}
	return false
}

// disguises gives the text folded, and with up to three layers of percent
// encoding taken off: %66ile:, file%253A//, ％２Fetc.
func disguises(text string) []string {
	form := fold(text)
	forms := []string{form}
	for range 3 {
		decoded, err := url.PathUnescape(form)
		if err != nil || decoded == form {
			break
		}
		form = fold(decoded)
		forms = append(forms, form)
	}
	return forms
}
