// crash_program run FOLDER SEED SESSIONS [abandon] [refused] [short] [quiet] [bulk]: opens the folder, writes to
// all four stores in an order that SEED chooses, closes it, and so again, SESSIONS times.
//
// It prints what it has been promised ("ack ..."), what it found at each start ("seen ..."), what
// it is about to drop ("retain ..."), and where it is ("phase open|work|close"). `abandon` leaves
// the last session without closing; `refused` lets operations fail, and prints how ("refused ...").
// `short` does one operation of each kind, `quiet` nothing but one value for the online store, `bulk`
// so many large writes that SQLite begins its write-ahead file anew.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "facts.h"

#include "base/errors.h"
#include "base/random.h"

namespace sw::crash {
namespace {

// One write(2) a line: where it stands in the trace is when it was said.
void Say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
}

constexpr std::string_view kStreams[] = {kRowsStream, kEventsStream, kValuesStream, kPeopleStream, kShortStream, kSmallStream};

struct Numbers {  // what is written next
  std::atomic<std::int64_t> catalog = 0;
  std::int64_t bulk = 0;
  std::int64_t blob = 0;
  std::vector<std::int64_t> append = std::vector<std::int64_t>(kRowsPartitions);
  std::int64_t people = 0;
  std::int64_t erased = 0;  // people before this one
};

std::int64_t NextOf(const std::set<std::string>& facts, const std::string& kind) {
  std::int64_t next = 0;
  for (auto it = facts.lower_bound(kind + " "); it != facts.end() && it->starts_with(kind + " "); ++it) {
    next = std::max(next, static_cast<std::int64_t>(std::atoll(it->c_str() + kind.size() + 1)) + 1);
  }
  return next;
}

class Session {
 public:
  Session(std::string folder, std::uint64_t seed, bool refused) : folder_(std::move(folder)), random_(seed), refused_(refused) {}

  // False when the folder could not be opened or holds what it must not.
  bool Open() {
    Say("phase open");
    Result<Stores> stores = Stores::Open(folder_, clock_, counters_);
    if (!Tried("open", stores ? Ok() : std::unexpected(stores.error()))) return false;
    stores_ = *std::move(stores);
    for (const std::string_view stream : kStreams) Say(fmt::format("ack declared {}", stream));
    const Found found = LookAt(stores_);
    for (const std::string& problem : found.problems) Bad("problem " + problem);
    // The disk may refuse what a look needs, as the sync of a blob's name that is not known to be on disk.
    for (const std::string& failure : found.failures) Failed("look: " + failure);
    if (!found.failures.empty()) return false;
    for (const std::string& fact : found.facts) Say("seen " + fact);
    numbers_.catalog = NextOf(found.facts, "catalog");
    numbers_.bulk = NextOf(found.facts, "bulk");
    numbers_.blob = NextOf(found.facts, "blob");
    numbers_.people = NextOf(found.facts, "people");
    numbers_.erased = NextOf(found.facts, "erase");
    for (std::int32_t partition = 0; partition < kRowsPartitions; ++partition) {
      numbers_.append[static_cast<std::size_t>(partition)] = NextOf(found.facts, fmt::format("append {}", partition));
    }
    Say("phase work");
    return true;
  }

  void Resend() {
    for (std::int32_t partition = 0; partition < kRowsPartitions; ++partition) {
      const std::int64_t next = numbers_.append[static_cast<std::size_t>(partition)];
      if (next == 0) continue;
      const auto again = AppendNumber(partition, next - 1, store::Durability::kSynced);
      if (Tried("append", again ? Ok() : std::unexpected(again.error())) && !again->duplicate) Bad("problem an append was not known again");
    }
  }

  void Work(bool brief) {
    std::vector<std::function<void()>> steps;
    const auto add = [&](int times, void (Session::*step)()) {
      for (int i = 0; i < (brief ? std::min(times, 1) : times); ++i) steps.push_back([this, step] { (this->*step)(); });
    };
    add(6, &Session::Catalog);
    add(6, &Session::Append);
    add(3, &Session::AppendBuffered);
    add(4, &Session::Blob);
    add(1, &Session::SweptBlob);
    add(4, &Session::Value);
    add(3, &Session::Drain);
    add(5, &Session::People);
    add(4, &Session::Short);
    add(6, &Session::Small);
    add(3, &Session::Seal);
    add(1, &Session::Erase);
    add(1, &Session::Retain);
    add(brief ? 0 : 1, &Session::Bulk);
    add(1, &Session::Together);
    for (std::size_t i = steps.size(); i > 1; --i) std::swap(steps[i - 1], steps[random_.Below(i)]);
    for (const auto& step : steps) step();
  }

  // The logbook first: the online store is made from it, and follows when it could not be written.
  void Value() {
    const std::int64_t number = EndOf(stores_.data->logbook(), kValuesStream);
    const std::string value = TextOf("value", number, 2'000);
    const store::LogRows row = OneRow(number, std::to_string(number), {{"key", OnlineKeyOf(number)}, {"value", value}});
    // The online store may hold what the logbook has not synced yet, but not after a clean end.
    const auto durability = random_.Below(2) == 0 ? store::Durability::kBuffered : store::Durability::kSynced;
    const bool appended = AppendOne(stores_.data->logbook(), kValuesStream, row, durability);
    const auto followed = FollowValues(*stores_.data);
    if (Tried("online", followed ? Ok() : std::unexpected(followed.error()))) Say(fmt::format("ack followed {}", *followed));
    if (appended && durability == store::Durability::kSynced) Say(fmt::format("ack value {}", number));
  }

  // Enough for SQLite to begin its write-ahead file anew.
  void ManyBulks() {
    for (int i = 0; i < 40; ++i) Bulk();
  }

  void Close() {
    Say("phase close");
    stores_ = {};
    Say("phase closed");
  }
  bool bad() const { return bad_; }

 private:
  void Bad(const std::string& line) {
    Say(line);
    bad_ = true;
  }

  bool Tried(std::string_view what, const Status& status) {
    if (status) return true;
    Failed(fmt::format("{} {}", what, status.error().ToString()));
    return false;
  }
  void Failed(const std::string& how) {
    if (refused_) {
      Say("refused " + how);
    } else {
      Bad("problem refused " + how);
    }
  }
  void Acknowledge(std::string_view kind, std::int64_t number, const Status& status) {
    if (Tried(kind, status)) Say(fmt::format("ack {} {}", kind, number));
  }

  void Catalog() { CatalogNumber(numbers_.catalog++); }
  void CatalogNumber(std::int64_t number) {
    Acknowledge("catalog", number, stores_.data->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
      for (std::int64_t part = 0; part < kCatalogParts; ++part) {
        SW_TRY(tx.Execute("INSERT INTO crash_items(number, part, text) VALUES (?, ?, ?)",
                          {number, part, TextOf("item", number * kCatalogParts + part, 3'000)}));
      }
      SW_TRY(tx.NoteChange("crash", std::to_string(number)));
      return tx.Publish(kEventsStream, number, std::to_string(number), data::Batch());
    }));
  }

  void Bulk() {
    const std::int64_t number = numbers_.bulk++;
    Acknowledge("bulk", number, stores_.data->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
      SW_TRY(tx.Execute("INSERT INTO crash_bulk(one, number, text) VALUES (1, ?, ?) "
                        "ON CONFLICT (one) DO UPDATE SET number = excluded.number, text = excluded.text",
                        {number, TextOf("bulk", number, 300'000)}));
      return Ok();
    }));
  }

  Result<store::AppendResult> AppendNumber(std::int32_t partition, std::int64_t number, store::Durability durability) {
    store::AppendRequest request{std::string(kRowsStream), partition, fmt::format("producer-{}", partition), number,
                                 RowsOf(partition, number)};
    return stores_.data->logbook().Append(std::move(request), durability);
  }
  void AppendTo(std::int32_t partition) {
    std::int64_t& next = numbers_.append[static_cast<std::size_t>(partition)];
    const auto appended = AppendNumber(partition, next, store::Durability::kSynced);
    if (!Tried("append", appended ? Ok() : std::unexpected(appended.error()))) return;  // the same again next time
    Say(fmt::format("ack append {} {}", partition, next++));
  }
  void Append() { AppendTo(static_cast<std::int32_t>(random_.Below(kRowsPartitions))); }

  void AppendBuffered() {
    const auto partition = static_cast<std::int32_t>(random_.Below(kRowsPartitions));
    std::int64_t& next = numbers_.append[static_cast<std::size_t>(partition)];
    const std::int64_t first = next;
    for (int i = 0; i < 3; ++i) {
      const auto appended = AppendNumber(partition, next, store::Durability::kBuffered);
      if (!Tried("append", appended ? Ok() : std::unexpected(appended.error()))) break;
      ++next;
    }
    if (!Tried("sync", stores_.data->logbook().Sync())) return;
    for (std::int64_t number = first; number < next; ++number) Say(fmt::format("ack append {} {}", partition, number));
  }

  bool AppendOne(store::Logbook& logbook, std::string_view stream, const store::LogRows& rows,
                 store::Durability durability = store::Durability::kSynced) {
    const auto appended = logbook.Append({std::string(stream), 0, "", 0, rows}, durability);
    if (!Tried(stream, appended ? Ok() : std::unexpected(appended.error()))) return false;
    return true;
  }
  std::int64_t EndOf(const store::Logbook& logbook, std::string_view stream) { return logbook.End(stream).value().at(0); }

  void Blob() {
    const std::int64_t number = numbers_.blob++;
    const auto hash = stores_.data->blobs().Put(BlobOf(number));
    Acknowledge("blob", number, hash ? Ok() : std::unexpected(hash.error()));
  }
  // A blob that goes and comes back.
  void SweptBlob() {
    store::Blobs& blobs = stores_.data->blobs();
    std::set<std::string> others;
    const auto note = [&](std::string_view hash, std::uint64_t, TimeUs) -> Status {
      others.emplace(hash);
      return Ok();
    };
    if (!Tried("blobs", blobs.ForEach(note)) || !blobs.Put(BlobOf(numbers_.blob))) return;
    static_cast<void>(clock_.AdvanceTo(clock_.Now() + 1));
    const auto freed = blobs.Sweep(others, 0);
    Tried("sweep", freed ? Ok() : std::unexpected(freed.error()));
    Blob();
  }

  void Drain() { Tried("drain", stores_.data->DrainOutbox()); }

  void People() {
    const std::int64_t number = EndOf(stores_.data->logbook(), kPeopleStream);
    const store::LogRows row = OneRow(number, std::to_string(number), {{"person", std::to_string(PersonOf(number))},
                                                                      {"secret", TextOf("secret", number, 400)}});
    if (AppendOne(stores_.data->logbook(), kPeopleStream, row)) Say(fmt::format("ack people {}", number));
  }
  void Erase() {
    const std::int64_t person = numbers_.erased;
    if (PersonOf(EndOf(stores_.data->logbook(), kPeopleStream)) <= person) return;  // more rows of that person may come
    const auto erased = stores_.data->logbook().Erase(kPeopleStream, std::to_string(person));
    Acknowledge("erase", person, erased ? Ok() : std::unexpected(erased.error()));
    if (erased) ++numbers_.erased;
  }

  void Short() {
    const std::int64_t number = EndOf(stores_.data->logbook(), kShortStream);
    const std::string text = TextOf(kShortStream, number, 400);
    if (AppendOne(stores_.data->logbook(), kShortStream, OneRow(number * base::kSecondUs, std::to_string(number), {{"text", text}}))) {
      Say(fmt::format("ack short {}", number));
    }
    if (random_.Below(3) == 0) Tried("seal", stores_.data->logbook().Seal(kShortStream));
  }
  void Retain() {
    const std::int64_t horizon = EndOf(stores_.data->logbook(), kShortStream) - 1;
    const TimeUs now = horizon * base::kSecondUs + kShortRetention;
    static_cast<void>(clock_.AdvanceTo(std::max(now, clock_.Now())));
    Say(fmt::format("retain {}", (clock_.Now() - kShortRetention) / base::kSecondUs + 1));
    Tried("retain", stores_.data->logbook().ApplyRetention());
  }

  void Small() {
    const std::int64_t number = EndOf(*stores_.small, kSmallStream);
    const std::string text = TextOf(kSmallStream, number, 400);
    if (AppendOne(*stores_.small, kSmallStream, OneRow(number, std::to_string(number), {{"text", text}}))) {
      Say(fmt::format("ack small {}", number));
    }
    for (int i = 0; i < 5; ++i) {  // not acknowledged: what a full file holds beyond the last sync
      const std::int64_t more = EndOf(*stores_.small, kSmallStream);
      const store::LogRows row = OneRow(more, std::to_string(more), {{"text", TextOf(kSmallStream, more, 400)}});
      const auto appended = stores_.small->Append({std::string(kSmallStream), 0, "", 0, row}, store::Durability::kBuffered);
      if (!Tried("small", appended ? Ok() : std::unexpected(appended.error()))) return;
    }
  }

  void Seal() {
    const std::string_view streams[] = {kRowsStream, kEventsStream, kValuesStream, kPeopleStream};
    Tried("seal", stores_.data->logbook().Seal(streams[random_.Below(4)]));
  }

  // Three writers at once share syncs.
  void Together() {
    std::vector<std::thread> threads;
    for (std::int32_t i = 0; i < 3; ++i) {
      threads.emplace_back([this, i] {
        for (int turn = 0; turn < 4; ++turn) {
          if (i < kRowsPartitions) AppendTo(i);
          CatalogNumber(numbers_.catalog++);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const std::string folder_;
  base::Random random_;
  const bool refused_;
  base::ManualClock clock_{0};
  base::Counters counters_;
  Stores stores_;
  Numbers numbers_;
  std::atomic<bool> bad_ = false;
};

}  // namespace

int RunWorkload(int argc, char** argv) {
  const std::vector<std::string_view> words(argv, argv + argc);
  if (words.size() < 3) return 2;
  const auto has = [&](std::string_view word) { return std::find(words.begin() + 3, words.end(), word) != words.end(); };
  const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  const int sessions = std::atoi(argv[2]);
  bool bad = false;
  for (int i = 0; i < sessions; ++i) {
    Session session(argv[0], seed * 1'000 + static_cast<std::uint64_t>(i), has("refused"));
    if (!session.Open()) {
      bad = bad || session.bad();
      continue;
    }
    session.Resend();
    if (has("quiet")) {
      session.Value();
    } else {
      session.Work(has("short"));
    }
    if (has("bulk") && i == 1) session.ManyBulks();
    if (session.bad()) return 3;
    if (has("abandon") && i + 1 == sessions) ::_exit(0);
    session.Close();
  }
  return bad ? 3 : 0;
}

}  // namespace sw::crash
