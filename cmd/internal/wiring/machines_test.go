package wiring

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay/redistest"
)

// sharedRedis is a Redis that keepers on several machines share.
type sharedRedis struct {
	settings map[string]string // as users give them
	client   redis.UniversalClient
	dies     func() // what of it goes with the machine that dies; nil: nothing
}

var sharedRedises = map[string]func(t *testing.T) sharedRedis{
	"TLS and an ACL user": func(t *testing.T) sharedRedis {
		ca := redistest.NewAuthority(t)
		server := redistest.StartTLS(t, ca)
		redistest.Grant(t, server.Client, redistest.ReadRights(t).All)
		return sharedRedis{client: server.Client, settings: map[string]string{
			"REDIS_HOST": server.Host, "REDIS_PORT": server.Port, "REDIS_ENABLE_TLS": "true", "REDIS_TLS_CA_FILE": ca.File,
			"REDIS_USERNAME": redistest.User, "REDIS_PASSWORD": redistest.Password,
		}}
	},
	"Sentinel": func(t *testing.T) sharedRedis {
		master := redistest.Start(t)
		redistest.Start(t, "--replicaof", master.Host+" "+master.Port)
		sentinels := redistest.StartSentinels(t, master, 3)
		client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: redistest.MasterName, SentinelAddrs: sentinels})
		t.Cleanup(func() { client.Close() })
		return sharedRedis{client: client, dies: master.Kill, settings: map[string]string{
			"REDIS_SENTINEL_MASTER": redistest.MasterName, "REDIS_SENTINEL_ADDRS": strings.Join(sentinels, ","),
		}}
	},
	"Cluster": func(t *testing.T) sharedRedis {
		timeout := []string{"--cluster-node-timeout", "2000"}
		cluster, rights := redistest.StartCluster(t, 3, timeout...), redistest.ReadRights(t)
		var dies func()
		if long() {
			cluster.Replicate(t, timeout...)
			dies = cluster.Nodes[0].Kill
		}
		cluster.Each(t, func(node *redis.Client) error {
			redistest.Grant(t, node, rights.All, rights.Cluster)
			return nil
		})
		return sharedRedis{client: cluster.Client, dies: dies, settings: map[string]string{
			"REDIS_CLUSTER_ADDRS": strings.Join(cluster.Addrs, ","),
			"REDIS_USERNAME":      redistest.User, "REDIS_PASSWORD": redistest.Password,
		}}
	},
}

// Keepers on machines of their own, each a process, share the work without a
// leader: each account is refreshed once in its turn by whoever comes first, and
// each is as likely to. One is killed with a lease in hand, and with it a master
// that has a replica. Every account of its share is refreshed by the others
// within a minute of the death, or of when it is due; no token runs out.
func TestKeepersShareTheWork(t *testing.T) {
	t.Parallel()
	keepers, accounts, life, until := 3, 60, 20*time.Second, 28*time.Second
	kinds := []string{"Cluster"}
	if long() {
		keepers, accounts, life, until = 4, 240, 150*time.Second, 100*time.Second
		kinds = slices.Sorted(maps.Keys(sharedRedises))
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			shareTheWork(t, sharedRedises[kind](t), keepers, accounts, life, until)
		})
	}
}

// turn is one refresh of an account, as the provider saw it.
type turn struct {
	at time.Time
	by string
}

func shareTheWork(t *testing.T, store sharedRedis, keepers, accounts int, life, until time.Duration) {
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	provider.Lifetime = life
	store.settings["ENCRYPTION_KEY"], store.settings["TOKENTRAY_HOME"] = encryptionKey, t.TempDir()
	k := keeper{Settings: store.settings, Home: t.TempDir()}
	app := k.open(t)
	logins, due := map[engine.Key]*strict.Login{}, map[*strict.Login]time.Time{}
	for i := range accounts { // due one after the other, the first once all keepers are there
		login := provider.SignIn(engine.Claude, "")
		left := life/2 + 15*time.Second + life*2/5*time.Duration(i)/time.Duration(accounts)
		due[login] = time.Now().Add(left - life/2)
		logins[addLogin(t, app, login, left).Key] = login
	}
	app.Close()

	k.Proactive, k.Interval, k.Window, k.For = true, life/3, life/2, 10*time.Minute
	k.Die, k.DieAfter = intentJournaled, until // it would have sent next, and nobody else knows
	var running []started
	for i := range keepers {
		k.Home, k.TokenURL = t.TempDir(), fmt.Sprint(provider.URL(engine.Claude), "?keeper", i)
		running = append(running, process(t, keeperVariable, k, 5*time.Minute))
		k.Die = "" // but for the first
	}
	killed, output := running[0].wait()
	death := time.Now()
	if !killed {
		t.Fatalf("it was not killed:\n%s", output)
	}
	if store.dies != nil {
		store.dies()
	}
	var held *strict.Login
	_, last, _ := strings.Cut(output, "dies ")
	for key, login := range logins {
		if strings.Contains(last, key.ID) {
			held = login
			if !long() { // the minute passes after which a dead holder's lock ends
				store.client.PExpire(t.Context(), "token_refresh_lock:claude:"+key.ID, time.Millisecond)
			}
		}
	}
	if held == nil {
		t.Fatalf("whose lease it held is not told:\n%s", output)
	}

	ctx, cancel := context.WithTimeout(t.Context(), life/2+90*time.Second)
	defer cancel()
	for pickedUp := 0; pickedUp < accounts; {
		select {
		case <-ctx.Done():
			t.Errorf("%d of %d accounts were not refreshed after the death", accounts-pickedUp, accounts)
			pickedUp = accounts
		case <-time.After(100 * time.Millisecond):
			pickedUp = 0
			for _, all := range turnsOf(provider) {
				if all[len(all)-1].at.After(death) {
					pickedUp++
				}
			}
		}
	}
	for _, r := range running[1:] {
		r.stop()
	}
	for _, r := range running[1:] {
		r.wait()
	}

	turns := turnsOf(provider)
	for _, r := range provider.Requests() {
		if r.Status != http.StatusOK {
			t.Errorf("%s was answered with %d", r.Query, r.Status)
		}
	}
	shares, after := map[string]int{}, map[string]int{}
	var late, latest time.Duration // after what was due, and of the dead one's share
	for key, login := range logins {
		l := provider.Look(login)
		if l.Dead || l.Replays > 0 || l.Exchanges != len(turns[login]) {
			t.Errorf("%s: dead: %v, %d replays, %d exchanges of %d", key, l.Dead, l.Replays, l.Exchanges, len(turns[login]))
		}
		// Due by its window at half its life, and by the jitter up to a fifth of that before.
		due, dying := due[login], login == held
		for i, turn := range turns[login] {
			if early := due.Sub(turn.at); early > life/10+time.Second {
				t.Errorf("%s: refreshed %v before it was due", key, early)
			}
			if turn.at.After(due.Add(life / 2)) {
				t.Errorf("%s: its token had run out", key)
			}
			if turn.at.Before(death) {
				shares[turn.by]++
			} else {
				after[turn.by]++
				if due.Before(death) && dying {
					due = death
				}
				if dying || i > 0 && turns[login][i-1].by == "keeper0" {
					latest = max(latest, turn.at.Sub(due))
				}
				dying = false
			}
			late = max(late, turn.at.Sub(due))
			due = turn.at.Add(life / 2)
		}
	}
	// The relay's lock ends a minute after it was taken; a second is for the refresh.
	if limit := time.Minute + time.Second; late > limit || long() && store.dies == nil && late < limit/2 {
		t.Errorf("the latest was refreshed %v after it was due, and after the death", late)
	}
	if after["keeper0"] > 0 {
		t.Error("the dead one refreshed")
	}
	even(t, shares, keepers)
	if store.dies == nil { // else whoever finds the new master first does what fell due meanwhile
		even(t, after, keepers-1)
	}
	t.Logf("refreshes until the death: %v, after it: %v; the latest %v after it was due, of the dead one's share %v",
		shares, after, late.Round(time.Millisecond), latest.Round(time.Millisecond))

	k.Home = t.TempDir()
	app = k.open(t)
	defer app.Close()
	for key, login := range logins {
		a, err := app.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		refresh, err := a.RefreshToken.Open()
		if err != nil || refresh.Reveal() != provider.Look(login).Refresh || a.StoreStatus != "active" {
			t.Errorf("%s: the stored token is not the newest (%v), or its status: %q", key, err, a.StoreStatus)
		}
	}
}

// turnsOf are all refreshes so far, by login and in their order.
func turnsOf(provider *strict.Server) map[*strict.Login][]turn {
	turns := map[*strict.Login][]turn{}
	for _, r := range provider.Requests() {
		if r.Status == http.StatusOK {
			turns[r.Login] = append(turns[r.Login], turn{r.At, r.Query})
		}
	}
	for _, all := range turns {
		slices.SortFunc(all, func(a, b turn) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	}
	return turns
}

// even checks that each keeper did its share: each refresh falls to each with
// the same chance, and so no share is off by more than five deviations.
func even(t *testing.T, shares map[string]int, keepers int) {
	t.Helper()
	all, n := 0, float64(keepers)
	for _, share := range shares {
		all += share
	}
	mean, slack := float64(all)/n, 5*math.Sqrt(float64(all)*(n-1))/n
	for by, share := range shares {
		if math.Abs(float64(share)-mean) > slack {
			t.Errorf("%s did %d of %d refreshes, where %.0f ± %.0f are even", by, share, all, mean, slack)
		}
	}
	if len(shares) != keepers || slack >= mean {
		t.Errorf("refreshes %v of %d keepers show nothing", shares, keepers)
	}
}
