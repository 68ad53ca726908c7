// Catalog: the rows (runs, versions, endpoints, incidents, definitions). SQLite here, PostgreSQL
// behind the same interface later. Its commit is the only commit point of the system.
//
//   Status s = catalog.Write([&](CatalogTransaction& tx) -> Status {
//     SW_TRY(tx.Execute("INSERT INTO registry_models(workspace, name) VALUES (?, ?)", {ws, name}));
//     return tx.Publish("events", event);                 // leaves through the outbox, same commit
//   });
//
// Each room owns its numbered migrations and its tables (prefix: the room's name) and writes the SQL
// that SQLite and PostgreSQL share: no AUTOINCREMENT, no INSERT OR REPLACE (ON CONFLICT is shared),
// TEXT / BIGINT / DOUBLE PRECISION / BLOB columns. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::store {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

class SqlRow {
 public:
  explicit SqlRow(std::vector<SqlValue> values) : values_(std::move(values)) {}
  bool IsNull(std::size_t column) const { return values_[column].index() == 0; }
  std::int64_t Int(std::size_t column) const;        // 0 when null
  double Double(std::size_t column) const;           // of an integer too
  const std::string& Text(std::size_t column) const; // "" when null
  const std::vector<SqlValue>& values() const { return values_; }

 private:
  std::vector<SqlValue> values_;
};

using SqlParams = std::vector<SqlValue>;

class CatalogReader {
 public:
  virtual ~CatalogReader() = default;
  virtual Result<std::vector<SqlRow>> Query(std::string_view sql, const SqlParams& params = {}) = 0;
};

class CatalogTransaction : public CatalogReader {
 public:
  // Rows changed. A uniqueness violation is ALREADY_EXISTS.
  virtual Result<std::int64_t> Execute(std::string_view sql, const SqlParams& params = {}) = 0;
  // Puts an event into the outbox; it reaches the logbook stream after the commit, exactly once.
  virtual Status Publish(std::string_view stream, TimeUs event_time, std::string_view id, const data::Batch& row) = 0;
  // Runs `done` once the commit is on disk, on the thread that called Write, before Write returns; never when it fails.
  virtual void AfterCommit(std::move_only_function<void()> done) = 0;
  // Names what changed, for the change feed: ("endpoint", "flights").
  virtual Status NoteChange(std::string_view kind, std::string_view name) = 0;
};

struct Migration {
  int number = 0;  // 1, 2, 3, ... within the room
  std::string_view sql;
};

struct CatalogChange {
  std::int64_t sequence = 0;
  std::string kind;
  std::string name;
};

struct OutboxRow {
  std::int64_t sequence = 0;
  std::string stream;
  TimeUs event_time = 0;
  std::string id;
  data::Batch row;
};

struct Lease {
  std::string name;
  std::string holder;
  std::int64_t token = 0;  // grows with each new holder: fences an old one
  TimeUs expires = 0;
};

class Catalog {
 public:
  virtual ~Catalog() = default;

  // Applies the room's migrations that are not applied yet, each in its transaction.
  virtual Status Migrate(std::string_view room, std::span<const Migration> migrations) = 0;
  // Runs `body` serialisably; it may run more than once and must have no other effect. Returns after
  // the commit is on disk. An error from `body` rolls back and is returned.
  virtual Status Write(const std::function<Status(CatalogTransaction&)>& body) = 0;
  // Runs `body` on a consistent snapshot; never blocks the writer.
  virtual Status Read(const std::function<Status(CatalogReader&)>& body) const = 0;

  // What was noted after `sequence`, oldest first; monotonic, without holes for committed changes.
  virtual Result<std::vector<CatalogChange>> ChangesSince(std::int64_t sequence, std::size_t rows_max) const = 0;
  // Takes or renews the lease; FAILED_PRECONDITION names the present holder.
  virtual Result<Lease> AcquireLease(std::string_view name, std::string_view holder, DurationUs ttl) = 0;
  virtual Status ReleaseLease(const Lease& lease) = 0;

  // The outbox's unsent rows in order, and their removal once the logbook has them (the logbook
  // drops repeats by producer "catalog" and the row's sequence).
  virtual Result<std::vector<OutboxRow>> Outbox(std::size_t rows_max) const = 0;
  virtual Status DropOutbox(std::int64_t sequence_max) = 0;
};

struct SqliteCatalogOptions {
  std::string path;
  const base::Clock* clock = nullptr;
  std::size_t group_max = 256;     // writes that share one fsync
  std::size_t queue_max = 10'000;  // waiting writes; RESOURCE_EXHAUSTED beyond
};
Result<std::unique_ptr<Catalog>> OpenSqliteCatalog(const SqliteCatalogOptions& options);

}  // namespace sw::store
