package sandbox

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
	_ "time/tzdata" // the shop's zone must be known on hosts without a zone database
)

// Version is the shop version announced in the PSWS-Version header.
const Version = "9.0.3"

// keyLength is the only length the shop accepts for a webservice key (055).
const keyLength = 32

// Options says how a shop is to be made. Only Key is required.
type Options struct {
	// Key is a webservice key of 32 characters with every right.
	Key string
	// Empty starts without products and orders; Catalogue is ignored then.
	Empty bool
	// Catalogue is the content of the shop; nil means DemoCatalogue.
	Catalogue *Catalogue
	// Latency is how long the shop takes over a request, by method and
	// resource. Nil means no wait at all; RecordedLatency has the figures of
	// a real shop.
	Latency Latency
	// Now is the clock; nil means time.Now. The shop shows times in
	// Europe/Paris without an offset, as a real one does.
	Now func() time.Time
	// Logger receives one line per request at debug level; nil discards.
	Logger *slog.Logger
}

// Shop is one shop. It is safe for concurrent use.
type Shop struct {
	now    func() time.Time
	zone   *time.Location
	logger *slog.Logger

	// mu guards everything below it. A save gives it up between reading a row
	// and writing it back, as the real shop does; see save.go.
	mu       sync.Mutex
	data     *database
	keys     map[string]*account
	switches switches
	latency  Latency

	faults  faultBox
	effects ledger
	quit    quitter
	crowd   crowd
}

// switches are the settings of the shop outside its tables.
type switches struct {
	webserviceOff bool
	mailDown      bool
	domain        string
}

// New makes a shop.
func New(o Options) (*Shop, error) {
	if len(o.Key) != keyLength {
		return nil, errors.New("sandbox: the webservice key must have exactly 32 characters")
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	describe()
	s := &Shop{
		now:     o.Now,
		zone:    zone,
		logger:  o.Logger,
		keys:    map[string]*account{},
		latency: o.Latency.clone(),
	}
	s.quit.init()
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s.AddKey(FullKey(o.Key))
	s.data = newDatabase()
	catalogue := o.Catalogue
	switch {
	case o.Empty:
		catalogue = EmptyCatalogue()
	case catalogue == nil:
		catalogue = DemoCatalogue()
	}
	if err := catalogue.fill(s); err != nil {
		return nil, err
	}
	return s, nil
}

// SetWebservice switches the webservice on or off, as the back office does;
// while it is off every request answers 503 with code 22 (715).
func (s *Shop) SetWebservice(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches.webserviceOff = !on
}

// SetMailServer switches the mail server on or off. While it is off a status
// change with sendemail=1 answers 500 with code 46, although its history row
// has been written (508).
func (s *Shop) SetMailServer(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches.mailDown = !on
}

// SetDomain makes the shop insist on one Host header and redirect all others
// to its home page (065). The empty string, the default, accepts any host.
func (s *Shop) SetDomain(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches.domain = host
}

// SetLatency replaces the latency figures of the shop.
func (s *Shop) SetLatency(l Latency) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = l.clone()
}

// stamp is the current time as the shop writes it into a datetime column.
func (s *Shop) stamp() string {
	return s.now().In(s.zone).Format("2006-01-02 15:04:05")
}
