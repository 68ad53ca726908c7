#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <future>
#include <limits>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "base/hash.h"
#include "store/catalog.h"
#include "store/sqlite_connection.h"

namespace sw::store {

std::int64_t SqlRow::Int(std::size_t column) const {
  if (IsNull(column)) return 0;
  const auto* value = std::get_if<std::int64_t>(&values_[column]);
  SW_CHECK(value != nullptr, "the column is no integer");
  return *value;
}

double SqlRow::Double(std::size_t column) const {
  if (IsNull(column)) return 0;
  if (const auto* value = std::get_if<std::int64_t>(&values_[column])) return static_cast<double>(*value);
  const auto* value = std::get_if<double>(&values_[column]);
  SW_CHECK(value != nullptr, "the column is no number");
  return *value;
}

const std::string& SqlRow::Text(std::size_t column) const {
  static const std::string kEmpty;
  if (IsNull(column)) return kEmpty;
  if (const auto* blob = std::get_if<Blob>(&values_[column])) return blob->bytes;
  const auto* value = std::get_if<std::string>(&values_[column]);
  SW_CHECK(value != nullptr, "the column is no text");
  return *value;
}

namespace {

const base::FormatVersion kFormat{"seaworthy/catalog", 0, 0};
constexpr std::size_t kReadersMax = 16;

// What the catalog itself keeps. A sequence lives in its own row, because the largest number in a
// table falls when rows are dropped.
constexpr std::array kOwnMigrations = {Migration{1, R"(
  CREATE TABLE store_sequences(name TEXT PRIMARY KEY, value BIGINT NOT NULL);
  INSERT INTO store_sequences(name, value) VALUES ('changes', 0), ('outbox', 0);
  CREATE TABLE store_changes(sequence BIGINT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL);
  CREATE TABLE store_outbox(sequence BIGINT PRIMARY KEY, stream TEXT NOT NULL, event_time BIGINT NOT NULL,
                            id TEXT NOT NULL, batch BLOB NOT NULL);
  CREATE TABLE store_leases(name TEXT PRIMARY KEY, holder TEXT NOT NULL, token BIGINT NOT NULL,
                            expires BIGINT NOT NULL);
)"}};

constexpr std::string_view kBootstrap = R"(
  CREATE TABLE store_format(line TEXT NOT NULL);
  CREATE TABLE store_migrations(room TEXT NOT NULL, number BIGINT NOT NULL, sha256 TEXT NOT NULL,
                                PRIMARY KEY (room, number));
)";

class SqliteReader final : public CatalogReader {
 public:
  explicit SqliteReader(SqliteConnection& db) : db_(db) {}
  Result<std::vector<SqlRow>> Query(std::string_view sql, const SqlParams& params) override {
    return db_.Query(sql, params);
  }

 private:
  SqliteConnection& db_;
};

class SqliteTransaction final : public CatalogTransaction {
 public:
  using AfterCommits = std::vector<std::move_only_function<void()>>;
  SqliteTransaction(SqliteConnection& db, AfterCommits& after_commit) : db_(db), after_commit_(after_commit) {}

  Result<std::vector<SqlRow>> Query(std::string_view sql, const SqlParams& params) override {
    return db_.Query(sql, params);
  }
  Result<std::int64_t> Execute(std::string_view sql, const SqlParams& params) override {
    return db_.Execute(sql, params);
  }
  Status Publish(std::string_view stream, TimeUs event_time, std::string_view id, const data::Batch& row) override {
    if (row.num_columns() > 0 && row.num_rows() != 1) return InvalidArgument("an event has one row, not {}", row.num_rows());
    const std::int64_t sequence = SW_TRY(Next("outbox"));
    SW_TRY(db_.Execute("INSERT INTO store_outbox(sequence, stream, event_time, id, batch) VALUES (?, ?, ?, ?, ?)",
                       {sequence, std::string(stream), event_time, std::string(id), Blob{data::EncodeBatch(row)}}));
    return Ok();
  }
  void AfterCommit(std::move_only_function<void()> done) override { after_commit_.push_back(std::move(done)); }
  Status NoteChange(std::string_view kind, std::string_view name) override {
    const std::int64_t sequence = SW_TRY(Next("changes"));
    SW_TRY(db_.Execute("INSERT INTO store_changes(sequence, kind, name) VALUES (?, ?, ?)",
                       {sequence, std::string(kind), std::string(name)}));
    return Ok();
  }
  Status Script(std::string_view sql) { return db_.Script(sql); }

 private:
  Result<std::int64_t> Next(std::string_view sequence) {
    const auto rows = SW_TRY(db_.Query("UPDATE store_sequences SET value = value + 1 WHERE name = ? RETURNING value",
                                       {std::string(sequence)}));
    if (rows.size() != 1) return DataLoss("catalog: sequence {} is missing", sequence);
    return rows[0].Int(0);
  }

  SqliteConnection& db_;
  AfterCommits& after_commit_;
};

class SqliteCatalog final : public Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> Open(const SqliteCatalogOptions& options);
  ~SqliteCatalog() override;

  Status Migrate(std::string_view room, std::span<const Migration> migrations) override;
  Status Write(const std::function<Status(CatalogTransaction&)>& body) override;
  Status Read(const std::function<Status(CatalogReader&)>& body) const override;
  Result<std::vector<CatalogChange>> ChangesSince(std::int64_t sequence, std::size_t rows_max) const override;
  Result<Lease> AcquireLease(std::string_view name, std::string_view holder, DurationUs ttl) override;
  Status ReleaseLease(const Lease& lease) override;
  Result<std::vector<OutboxRow>> Outbox(std::size_t rows_max) const override;
  Status DropOutbox(std::int64_t sequence_max) override;

 private:
  struct Pending {
    const std::function<Status(CatalogTransaction&)>* body;
    std::promise<Status> answer;
    Status status;
    SqliteTransaction::AfterCommits after_commit;
  };
  using Group = std::vector<Pending*>;

  explicit SqliteCatalog(const SqliteCatalogOptions& options) : options_(options) {}
  Status OpenFormat();
  void WriterLoop();
  Status CommitGroup(const Group& group, bool& broken);
  void RunGroup(const Group& group);
  Status RunBody(Pending& pending);
  Result<std::unique_ptr<SqliteConnection>> TakeReader() const;
  void GiveReader(std::unique_ptr<SqliteConnection> reader) const;

  const SqliteCatalogOptions options_;
  std::unique_ptr<SqliteConnection> writer_;  // of the writer thread, once it runs

  mutable std::mutex readers_mutex_;
  mutable std::condition_variable reader_free_;
  mutable std::vector<std::unique_ptr<SqliteConnection>> readers_;
  mutable std::size_t readers_open_ = 0;

  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::deque<Pending*> queue_;
  bool stopping_ = false;
  std::jthread thread_;  // last: joined before what it uses goes
};

// Commits of a process that was killed before it synced them count from now on: events leave the
// outbox and rows are read, so they must be on disk first; rewritten, as it may have been killed
// because a sync failed.
Status SyncLeftovers(const std::string& path) {
  const std::string log = path + "-wal";
  if (!base::Exists(log)) return Ok();
  return SW_TRY(base::File::OpenForReadWrite(log)).Rewrite();
}

Result<std::unique_ptr<Catalog>> SqliteCatalog::Open(const SqliteCatalogOptions& options) {
  SW_CHECK(options.clock != nullptr && options.group_max > 0, "the catalog needs a clock and groups");
  std::unique_ptr<SqliteCatalog> catalog(new SqliteCatalog(options));
  SW_TRY(SyncLeftovers(options.path));
  catalog->writer_ = SW_TRY(SqliteConnection::Open(options.path, SqliteConnection::Mode::kReadWrite));
  SW_TRY(catalog->OpenFormat());
  catalog->thread_ = std::jthread([raw = catalog.get()] { raw->WriterLoop(); });
  SW_TRY(catalog->Migrate("store", kOwnMigrations));
  return catalog;
}

SqliteCatalog::~SqliteCatalog() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  queue_wake_.notify_all();
}

Status SqliteCatalog::OpenFormat() {
  SW_TRY(writer_->Control("BEGIN IMMEDIATE"));
  const auto tables = SW_TRY(writer_->Query("SELECT name FROM sqlite_master WHERE name = 'store_format'", {}));
  if (tables.empty()) {
    const auto others = SW_TRY(writer_->Query("SELECT name FROM sqlite_master LIMIT 1", {}));
    if (!others.empty()) return FailedPrecondition("{} is a database, but no catalog of seaworthy", options_.path);
    SW_TRY(writer_->Script(kBootstrap));
    SW_TRY(writer_->Execute("INSERT INTO store_format(line) VALUES (?)", {base::FormatVersionLine(kFormat)}));
    return writer_->Control("COMMIT");
  }
  const auto rows = SW_TRY(writer_->Query("SELECT line FROM store_format", {}));
  SW_TRY(writer_->Control("COMMIT"));
  if (rows.size() != 1) return DataLoss("catalog {}: its format line is missing", options_.path);
  return base::CheckReadable(SW_TRY(base::ParseFormatVersion(rows[0].Text(0))), kFormat);
}

// ---- writing ----

Status SqliteCatalog::Write(const std::function<Status(CatalogTransaction&)>& body) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    return Internal("catalog: a Write inside a Write would wait for itself");
  }
  Pending pending{&body, {}, Ok(), {}};
  std::future<Status> answer = pending.answer.get_future();
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.size() >= options_.queue_max) {
      return ResourceExhausted("catalog: {} writes are waiting (limit queue_max); try again later", queue_.size());
    }
    queue_.push_back(&pending);
  }
  queue_wake_.notify_one();
  Status written = answer.get();
  if (!written) return written;
  for (auto& done : pending.after_commit) done();
  return written;
}

void SqliteCatalog::WriterLoop() {
  while (true) {
    Group group;
    {
      std::unique_lock lock(queue_mutex_);
      queue_wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && group.size() < options_.group_max) {
        group.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    RunGroup(group);
    for (Pending* pending : group) {
      // Moved out first: the waiting thread frees `pending` as soon as it has its answer.
      std::promise<Status> promise = std::move(pending->answer);
      promise.set_value(std::move(pending->status));
    }
  }
}

// Runs the group under one commit. When the disk refuses, in a body or at the commit, SQLite drops
// the whole transaction: then each runs again alone, so that one caller's large write is not its
// neighbours' trouble.
void SqliteCatalog::RunGroup(const Group& group) {
  bool broken = false;
  Status committed = CommitGroup(group, broken);
  if (broken && group.size() > 1) {
    for (Pending* pending : group) RunGroup({pending});
    return;
  }
  if (committed) return;
  for (Pending* pending : group) {
    if (pending->status) pending->status = committed;
  }
}

Status SqliteCatalog::CommitGroup(const Group& group, bool& broken) {
  SW_TRY(writer_->Control("BEGIN IMMEDIATE"));
  for (Pending* pending : group) {
    pending->status = RunBody(*pending);
    if (!writer_->InTransaction()) {
      broken = true;
      return pending->status ? Unavailable("catalog: the transaction was rolled back") : pending->status;
    }
  }
  Status committed = writer_->Control("COMMIT");
  broken = !committed;
  if (broken && writer_->InTransaction()) {
    // The first error is the one to report; this one says the same.
    static_cast<void>(writer_->Control("ROLLBACK"));
  }
  return committed;
}

Status SqliteCatalog::RunBody(Pending& pending) {
  SW_TRY(writer_->Control("SAVEPOINT body"));
  pending.after_commit.clear();  // it may run a second time
  SqliteTransaction transaction(*writer_, pending.after_commit);
  Status status = (*pending.body)(transaction);
  if (status) status = writer_->Control("RELEASE body");
  if (!status && writer_->InTransaction()) {
    Status undone = writer_->Control("ROLLBACK TO body; RELEASE body");
    // Half a body must never be committed with the group.
    if (!undone && writer_->InTransaction()) static_cast<void>(writer_->Control("ROLLBACK"));
  }
  return status;
}

Status SqliteCatalog::Migrate(std::string_view room, std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    const Migration& migration = migrations[i];
    if (migration.number != static_cast<int>(i) + 1) {
      return Internal("migrations of {} must be numbered 1, 2, 3, ...; found {}", room, migration.number);
    }
    const std::string sha256 = base::Sha256Hex(migration.sql);
    SW_TRY(Write([&](CatalogTransaction& tx) -> Status {
      const auto applied = SW_TRY(tx.Query("SELECT sha256 FROM store_migrations WHERE room = ? AND number = ?",
                                           {std::string(room), std::int64_t{migration.number}}));
      if (applied.empty()) {
        SW_TRY(static_cast<SqliteTransaction&>(tx).Script(migration.sql));
        SW_TRY(tx.Execute("INSERT INTO store_migrations(room, number, sha256) VALUES (?, ?, ?)",
                          {std::string(room), std::int64_t{migration.number}, sha256}));
      } else if (applied[0].Text(0) != sha256) {
        return FailedPrecondition("migration {} of {} was applied with other SQL; add a new one instead of editing it",
                                  migration.number, room);
      }
      return Ok();
    }));
  }
  return Read([&](CatalogReader& reader) -> Status {
    const auto newest = SW_TRY(
        reader.Query("SELECT MAX(number) FROM store_migrations WHERE room = ?", {std::string(room)}));
    if (newest[0].Int(0) <= static_cast<std::int64_t>(migrations.size())) return Ok();
    return FailedPrecondition("catalog {}: {} is at migration {}, this seaworthy knows {}; upgrade seaworthy",
                              options_.path, room, newest[0].Int(0), migrations.size());
  });
}

// ---- reading ----

Result<std::unique_ptr<SqliteConnection>> SqliteCatalog::TakeReader() const {
  std::unique_lock lock(readers_mutex_);
  reader_free_.wait(lock, [this] { return !readers_.empty() || readers_open_ < kReadersMax; });
  if (!readers_.empty()) {
    auto reader = std::move(readers_.back());
    readers_.pop_back();
    return reader;
  }
  auto reader = SW_TRY(SqliteConnection::Open(options_.path, SqliteConnection::Mode::kReadOnly));
  ++readers_open_;
  return reader;
}

void SqliteCatalog::GiveReader(std::unique_ptr<SqliteConnection> reader) const {
  {
    const std::lock_guard lock(readers_mutex_);
    readers_.push_back(std::move(reader));
  }
  reader_free_.notify_one();
}

Status SqliteCatalog::Read(const std::function<Status(CatalogReader&)>& body) const {
  auto connection = SW_TRY(TakeReader());
  Status status = connection->Control("BEGIN");
  if (status) {
    SqliteReader reader(*connection);
    status = body(reader);
    Status ended = connection->Control("ROLLBACK");
    if (status && !ended) status = std::move(ended);
  }
  GiveReader(std::move(connection));
  return status;
}

Result<std::vector<CatalogChange>> SqliteCatalog::ChangesSince(std::int64_t sequence, std::size_t rows_max) const {
  std::vector<CatalogChange> changes;
  SW_TRY(Read([&](CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query(
        "SELECT sequence, kind, name FROM store_changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
        {sequence, static_cast<std::int64_t>(rows_max)}));
    for (const SqlRow& row : rows) changes.push_back({row.Int(0), row.Text(1), row.Text(2)});
    return Ok();
  }));
  return changes;
}

// ---- leases ----

Result<Lease> SqliteCatalog::AcquireLease(std::string_view name, std::string_view holder, DurationUs ttl) {
  if (holder.empty() || ttl <= 0) return InvalidArgument("a lease needs a holder and a time to live");
  Lease lease{std::string(name), std::string(holder), 1, 0};
  SW_TRY(Write([&](CatalogTransaction& tx) -> Status {
    const TimeUs now = options_.clock->Now();
    lease.token = 1;
    lease.expires = ttl > std::numeric_limits<TimeUs>::max() - now ? std::numeric_limits<TimeUs>::max() : now + ttl;
    const auto rows = SW_TRY(
        tx.Query("SELECT holder, token, expires FROM store_leases WHERE name = ?", {lease.name}));
    if (!rows.empty()) {
      const bool held = rows[0].Int(2) > now;
      const bool ours = rows[0].Text(0) == lease.holder;
      if (held && !ours) {
        return FailedPrecondition("lease {} is held by {} until {}", name, rows[0].Text(0),
                                  base::FormatTime(rows[0].Int(2)));
      }
      lease.token = held ? rows[0].Int(1) : rows[0].Int(1) + 1;
    }
    SW_TRY(tx.Execute("INSERT INTO store_leases(name, holder, token, expires) VALUES (?, ?, ?, ?) "
                      "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, "
                      "expires = excluded.expires",
                      {lease.name, lease.holder, lease.token, lease.expires}));
    return Ok();
  }));
  return lease;
}

Status SqliteCatalog::ReleaseLease(const Lease& lease) {
  return Write([&](CatalogTransaction& tx) -> Status {
    // The row stays, so that the next holder's token is larger.
    const std::int64_t released =
        SW_TRY(tx.Execute("UPDATE store_leases SET holder = '', expires = 0 WHERE name = ? AND holder = ? AND token = ?",
                          {lease.name, lease.holder, lease.token}));
    if (released == 0) return FailedPrecondition("lease {} is no longer held by {}", lease.name, lease.holder);
    return Ok();
  });
}

// ---- outbox ----

Result<std::vector<OutboxRow>> SqliteCatalog::Outbox(std::size_t rows_max) const {
  std::vector<OutboxRow> outbox;
  SW_TRY(Read([&](CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(
        reader.Query("SELECT sequence, stream, event_time, id, batch FROM store_outbox ORDER BY sequence LIMIT ?",
                     {static_cast<std::int64_t>(rows_max)}));
    for (const SqlRow& row : rows) {
      data::Batch batch = SW_TRY(data::DecodeBatch(row.Text(4)));
      outbox.push_back({row.Int(0), row.Text(1), row.Int(2), row.Text(3), std::move(batch)});
    }
    return Ok();
  }));
  return outbox;
}

Status SqliteCatalog::DropOutbox(std::int64_t sequence_max) {
  return Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("DELETE FROM store_outbox WHERE sequence <= ?", {sequence_max}));
    return Ok();
  });
}

}  // namespace

Result<std::unique_ptr<Catalog>> OpenSqliteCatalog(const SqliteCatalogOptions& options) {
  return SqliteCatalog::Open(options);
}

}  // namespace sw::store
