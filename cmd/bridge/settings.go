package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joho/godotenv"
)

// config is what the settings say, checked. It ends in this package: the
// parts get plain fields.
type config struct {
	appEnv               string
	baseURL              string
	clientID             string
	clientSecret         string
	clientScopes         []string
	tokenTTL             time.Duration
	refreshIdle          time.Duration
	grantLongest         time.Duration
	clientDocuments      []string
	privateKeyPath       string
	publicKeyPath        string
	secretsKeyPath       string
	hmacCurrent          string
	hmacPrevious         string
	redisDSN             string
	databaseURL          string
	rateRead             int
	rateWrite            int
	jobMaxAttempts       int
	jobTimeout           time.Duration
	jobWorkers           int
	parallelItems        int
	mcpJSONText          string
	maxConnections       int
	jobMaxWait           time.Duration
	replayTTL            time.Duration
	idempotencyRetention time.Duration
	failedRetention      time.Duration
	gzipRecommendedAbove int
	gzipRequiredAbove    int
	maxPayload           int64
	allowedSources       []netip.Prefix
	trustedProxies       []netip.Prefix
	logPath              string
	logMaxBytes          int64
	logKeep              time.Duration
	metricsListen        string
	remoteURL            string
	traced               bool   // the OTEL_* variables count; no setting
	stdioShop            string // --shop of bridge mcp; no setting
	stateDir             string
	shopURL              string
	shopKey              string
	shopEmployee         int64
	shopTimeout          time.Duration
	shopSettle           time.Duration
	imageHosts           []string
	webhookHosts         []string
	webhookRetention     time.Duration
	feedInterval         time.Duration
}

// need says which commands cannot run without a setting.
type need int

const (
	optional   need = iota
	forServing      // the doors reached over HTTP
	forShop         // every command that talks to a real shop
)

// setting is one row of the table from which .env.bridge.example and
// docs/settings.md are generated. Default "" means unset.
type setting struct {
	name     string
	fallback string
	secret   bool
	need     need
	help     string
	read     func(c *config, value string) error
}

// settings are every variable of the program: the 23 of the contract, then
// ours.
var settings = []setting{
	{"APP_ENV", "production", false, optional, "dev, staging or production; outside dev the program listens on other than loopback only with TLS.", oneOf(func(c *config) *string { return &c.appEnv }, "dev", "test", "staging", "production")},
	{"BRIDGE_BASE_URL", "", false, optional, "Public URL of the bridge, the issuer and audience of its tokens; default http://LISTEN.", webURL(func(c *config) *string { return &c.baseURL })},
	{"OAUTH_CLIENT_ID", "", false, forServing, "Id of the configured client; also the identity of bridge mcp (there default local).", text(func(c *config) *string { return &c.clientID })},
	{"OAUTH_CLIENT_SECRET", "", true, forServing, "Secret of the configured client, at least 16 characters: openssl rand -hex 32.", secret(func(c *config) *string { return &c.clientSecret }, 16)},
	{"OAUTH_TOKEN_TTL", "3600", false, optional, "Life of an access token in seconds.", seconds(func(c *config) *time.Duration { return &c.tokenTTL }, 60, 86400)},
	{"JWT_PRIVATE_KEY_PATH", "", false, optional, "RSA private key (PEM, mode 600); default STATE_DIR/jwt_private.pem, made at first start.", text(func(c *config) *string { return &c.privateKeyPath })},
	{"JWT_PUBLIC_KEY_PATH", "", false, optional, "RSA public keys (PEM); default STATE_DIR/jwt_public.pem, made at first start.", text(func(c *config) *string { return &c.publicKeyPath })},
	{"HMAC_SECRET_CURRENT", "", true, forServing, "Request signing secret, at least 32 characters: openssl rand -hex 32.", secret(func(c *config) *string { return &c.hmacCurrent }, 32)},
	{"HMAC_SECRET_PREVIOUS", "", true, optional, "The secret before, still accepted while handlers change over.", secret(func(c *config) *string { return &c.hmacPrevious }, 32)},
	{"REDIS_DSN", "", true, optional, "redis://host:6379/0; unset runs an in-process Redis.", text(func(c *config) *string { return &c.redisDSN })},
	{"DATABASE_URL", "", true, optional, "mysql://user:password@host:3306/name or sqlite:FILE; default sqlite:STATE_DIR/bridge.db.", text(func(c *config) *string { return &c.databaseURL })},
	{"RATE_LIMIT_READ", "100", false, optional, "Reads a minute and client.", number(func(c *config) *int { return &c.rateRead }, 1, 1000000)},
	{"RATE_LIMIT_WRITE", "20", false, optional, "Writes a minute and client.", number(func(c *config) *int { return &c.rateWrite }, 1, 1000000)},
	{"JOB_MAX_ATTEMPTS", "5", false, optional, "Attempts of a job before it fails.", number(func(c *config) *int { return &c.jobMaxAttempts }, 1, 100)},
	{"JOB_TIMEOUT_SECONDS", "120", false, optional, "Longest single attempt of a job.", seconds(func(c *config) *time.Duration { return &c.jobTimeout }, 1, 3600)},
	{"IDEMPOTENCY_HTTP_TTL_SECONDS", "86400", false, optional, "How long replays are answered from Redis.", seconds(func(c *config) *time.Duration { return &c.replayTTL }, 1, 31536000)},
	{"IDEMPOTENCY_DB_RETENTION_DAYS", "30", false, optional, "How long request ids and succeeded jobs are kept in the database; at least 1, for the 24 hours of the contract.", days(func(c *config) *time.Duration { return &c.idempotencyRetention })},
	{"FAILED_JOB_RETENTION_DAYS", "90", false, optional, "How long failed and cancelled jobs are kept; jobs that need review are kept until they are resolved.", days(func(c *config) *time.Duration { return &c.failedRetention })},
	{"GZIP_RECOMMENDED_ABOVE_BYTES", "1024", false, optional, "Bodies above this get a hint to use gzip.", number(func(c *config) *int { return &c.gzipRecommendedAbove }, 0, 10485760)},
	{"GZIP_REQUIRED_ABOVE_BYTES", "32768", false, optional, "Bodies above this must come as gzip.", number(func(c *config) *int { return &c.gzipRequiredAbove }, 0, 10485760)},
	{"MAX_PAYLOAD_BYTES", "10485760", false, optional, "Largest request body; the contract's 10 MB is the most.", payloadBytes},
	{"ALLOWED_SOURCE_IPS", "", false, optional, "Comma-separated addresses or CIDR ranges that may call; unset allows all.", prefixes(func(c *config) *[]netip.Prefix { return &c.allowedSources })},
	{"LOG_PATH", "", false, optional, "File to append logs to, mode 600; unset logs to stderr.", text(func(c *config) *string { return &c.logPath })},

	{"PRESTASHOP_URL", "", false, forShop, "The base URL of the shop, or of the first of several (bridge shops), such as https://shop.example.com (the webservice is below it at /api).", webURL(func(c *config) *string { return &c.shopURL })},
	{"PRESTASHOP_WS_KEY", "", true, forShop, "Webservice key of the shop, 32 characters; its rights are listed in the README.", shopKey},
	{"PRESTASHOP_EMPLOYEE_ID", "0", false, optional, "Employee whose name status changes carry; a dedicated one lets the bridge know its own changes.", employee},
	{"SHOP_TIMEOUT_SECONDS", "30", false, optional, "Longest single call to the shop.", seconds(func(c *config) *time.Duration { return &c.shopTimeout }, 1, 600)},
	{"SHOP_SETTLE_SECONDS", "5", false, optional, "How long an unanswered call may still run inside the shop before it is looked up and sent again.", seconds(func(c *config) *time.Duration { return &c.shopSettle }, 0, 600)},
	{"OAUTH_CLIENT_SCOPES", "bridge:read bridge:write", false, optional, "Scopes of the configured client; bridge:pii adds customer data to orders.", scopes},
	{"SECRETS_KEY_PATH", "", false, optional, "Key that seals registered clients' signing secrets and further shops' keys in the database, the same on every node; default STATE_DIR/secrets.key, made at first start.", text(func(c *config) *string { return &c.secretsKeyPath })},
	{"MAX_CONNECTIONS", "2048", false, optional, "Connections held open at once; more wait until one is free.", number(func(c *config) *int { return &c.maxConnections }, 1, 1000000)},
	{"JOB_MAX_WAIT_SECONDS", "86400", false, optional, "How long a job whose shop is away may wait without using up its attempts before it fails.", seconds(func(c *config) *time.Duration { return &c.jobMaxWait }, 60, 2592000)},
	{"JOB_WORKERS", "8", false, optional, "Jobs worked on at once in this process; with several shops they share them.", number(func(c *config) *int { return &c.jobWorkers }, 1, 256)},
	{"IMPORT_PARALLEL_ITEMS", "4", false, optional, "Items of one import worked on at once; 1 for a shop that is slow under parallel writes.", number(func(c *config) *int { return &c.parallelItems }, 1, 50)},
	{"MCP_JSON_TEXT", "old", false, optional, "Which MCP clients get the JSON of an answer as text too: old, those of protocol revisions before 2025-06-18, which know no structured content; always, for a host that does not show it to its model.", oneOf(func(c *config) *string { return &c.mcpJSONText }, "old", "always")},
	{"IMAGE_ALLOWED_HOSTS", "", false, optional, "Comma-separated host or host:port images may be fetched from although private or plain http.", list(func(c *config) *[]string { return &c.imageHosts })},
	{"WEBHOOK_ALLOWED_HOSTS", "", false, optional, "Comma-separated host or host:port webhooks may be posted to although private or plain http.", list(func(c *config) *[]string { return &c.webhookHosts })},
	{"FEED_INTERVAL_SECONDS", "0", false, optional, "How often each shop is watched for what others change there; 0 watches none, and webhooks hear only of what jobs change.", seconds(func(c *config) *time.Duration { return &c.feedInterval }, 0, 86400)},
	{"WEBHOOK_RETENTION_DAYS", "30", false, optional, "How long deliveries that have ended are kept, for the log and for replays.", days(func(c *config) *time.Duration { return &c.webhookRetention })},
	{"TRUSTED_PROXIES", "", false, optional, "Comma-separated CIDR ranges whose X-Forwarded-For is believed.", prefixes(func(c *config) *[]netip.Prefix { return &c.trustedProxies })},
	{"OAUTH_CLIENT_DOCUMENTS", "any", false, optional, "Whose apps operators can connect by the URL of a client metadata document: any, off, or comma-separated hosts (those may be private).", documentHosts},
	{"OAUTH_REFRESH_IDLE_DAYS", "30", false, optional, "How long a connected app may stay away before an operator must log in again.", days(func(c *config) *time.Duration { return &c.refreshIdle })},
	{"OAUTH_GRANT_MAX_DAYS", "90", false, optional, "How long an app stays connected at most.", days(func(c *config) *time.Duration { return &c.grantLongest })},
	{"LOG_MAX_MB", "100", false, optional, "Size in MB at which LOG_PATH begins a new file; one begins each day (UTC) in any case.", megabytes(func(c *config) *int64 { return &c.logMaxBytes })},
	{"LOG_KEEP_DAYS", "30", false, optional, "How long the earlier files of LOG_PATH are kept.", days(func(c *config) *time.Duration { return &c.logKeep })},
	{"METRICS_LISTEN", "", false, optional, "Address of GET /metrics for Prometheus, such as 127.0.0.1:9090, apart from --listen and not for the public; unset serves none.", listenAddress(func(c *config) *string { return &c.metricsListen })},
	{"BRIDGE_REMOTE_URL", "", false, optional, "Address of a bridge elsewhere that bridge mcp works through, with the client id and secrets above, instead of a shop of its own; the same as --remote.", webURL(func(c *config) *string { return &c.remoteURL })},
	{"STATE_DIR", "", false, optional, "Folder for the embedded database and the keys; default ~/.local/state/bridge.", text(func(c *config) *string { return &c.stateDir })},
}

// source gives a setting's text, "" when it is unset.
type source func(name string) string

// settingsSource looks into the environment first, then into the file.
func settingsSource(getenv func(string) string, envFile string) (source, error) {
	file, err := readEnvFile(envFile)
	if err != nil {
		return nil, err
	}
	return func(name string) string {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			return value
		}
		return strings.TrimSpace(file[name])
	}, nil
}

// with gives a source in which some settings are fixed.
func (src source) with(fixed map[string]string) source {
	return func(name string) string {
		if value, ok := fixed[name]; ok {
			return value
		}
		return src(name)
	}
}

// loadConfig reads every setting or its default. All problems are in the one
// error.
func loadConfig(src source, needs ...need) (config, error) {
	var c config
	var problems []string
	for _, s := range settings {
		value := src(s.name)
		if value == "" {
			value = s.fallback
		}
		if value == "" {
			if s.need != optional && slices.Contains(needs, s.need) {
				problems = append(problems, fmt.Sprintf("%s is not set. %s", s.name, s.help))
			}
			continue
		}
		if err := s.read(&c, value); err != nil {
			problems = append(problems, fmt.Sprintf("%s %v. %s", s.name, err, s.help))
		}
	}
	if len(problems) > 0 {
		return config{}, fmt.Errorf("%d setting(s) need your attention:\n  - %s\nSet them in the environment or in .env.bridge (bridge settings --example prints one)",
			len(problems), strings.Join(problems, "\n  - "))
	}
	return c, c.fillPaths()
}

// settingsFor reads the settings for a command.
func settingsFor(p process, envFile string, needs ...need) (config, error) {
	src, err := settingsSource(p.getenv, envFile)
	if err != nil {
		return config{}, err
	}
	return loadConfig(src, needs...)
}

// defaultEnvFile is read when it exists and no other is named.
const defaultEnvFile = ".env.bridge"

// readEnvFile reads KEY=VALUE lines. A file that others can read is refused,
// as it holds secrets.
func readEnvFile(path string) (map[string]string, error) {
	named := path != ""
	if !named {
		path = defaultEnvFile
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the settings file cannot be read: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s holds secrets and others can read it (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	file, err := godotenv.Read(path)
	if err != nil {
		// The library's message quotes the line, which may hold a secret.
		return nil, fmt.Errorf("%s is not a settings file: want KEY=VALUE on each line", path)
	}
	for name := range file {
		if !slices.ContainsFunc(settings, func(s setting) bool { return s.name == name }) {
			return nil, fmt.Errorf("%s sets %q, which is no setting; bridge settings lists them", path, name)
		}
	}
	return file, nil
}

// fillPaths completes what depends on the state folder.
func (c *config) fillPaths() error {
	if c.stateDir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return errors.New("STATE_DIR is not set and there is no home folder. Set STATE_DIR")
		}
		c.stateDir = filepath.Join(home, ".local", "state", "bridge")
	}
	if c.databaseURL == "" {
		c.databaseURL = "sqlite:" + filepath.Join(c.stateDir, "bridge.db")
	}
	if c.secretsKeyPath == "" {
		c.secretsKeyPath = filepath.Join(c.stateDir, "secrets.key")
	}
	if c.privateKeyPath == "" {
		c.privateKeyPath = filepath.Join(c.stateDir, "jwt_private.pem")
	}
	if c.publicKeyPath == "" {
		c.publicKeyPath = filepath.Join(c.stateDir, "jwt_public.pem")
	}
	return nil
}
