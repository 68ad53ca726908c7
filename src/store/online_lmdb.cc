#include <lmdb.h>

#include <mutex>

#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "store/online.h"
#include "store/online_keys.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/online", 0, 0};
constexpr unsigned kReadersMax = 512;
constexpr std::size_t kKeyBytesMax = 1u << 16;
constexpr std::size_t kValueBytesMax = 64u << 20;
constexpr std::size_t kDeleteBatch = 10'000;

std::string_view View(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }
MDB_val Val(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

class LmdbOnline final : public OnlineStore {
 public:
  explicit LmdbOnline(const LmdbOptions& options) : options_(options) {}
  ~LmdbOnline() override;
  Status Open();

  void MultiGet(std::span<const std::string> keys, GetCallback done) override { done(Get(keys)); }
  void MultiPut(std::vector<OnlineWrite> writes, PutCallback done) override { done(Put(writes)); }
  Status Visit(std::span<const std::string_view> keys, const std::function<Status(Views)>& visit) const override;
  Status Merge(std::span<const OnlineWrite> writes, const Wins& wins) override;
  Status ForEach(std::string_view prefix,
                 const std::function<Status(std::string_view, std::string_view)>& visit) const override;
  Status DeletePrefix(std::string_view prefix) override;
  Status Sync() override;

 private:
  class ReadTransaction;
  class Cursor;

  Result<Values> Get(std::span<const std::string> keys) const;
  static Status CheckWrites(std::span<const OnlineWrite> writes);
  Status Put(const std::vector<OnlineWrite>& writes);
  int PutOne(MDB_txn* txn, const OnlineWrite& write);
  int MergeOne(MDB_txn* txn, const Cursor& cursor, const OnlineWrite& write, const Wins& wins);
  // Reset when it was used: renewing one takes no lock of LMDB's and allocates nothing.
  struct Reader {
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
  };
  Result<Reader> BeginRead() const;
  void EndRead(Reader reader) const;
  static void Close(const Reader& reader);
  std::unexpected<Error> Failure(std::string_view doing, int code) const;

  const LmdbOptions options_;
  MDB_env* env_ = nullptr;
  MDB_dbi values_ = 0;
  mutable std::mutex idle_mutex_;
  mutable std::vector<Reader> idle_;
};

class LmdbOnline::ReadTransaction {
 public:
  ReadTransaction(const LmdbOnline& store, Reader reader) : store_(store), reader_(reader) {}
  ~ReadTransaction() { store_.EndRead(reader_); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  MDB_txn* get() const { return reader_.txn; }
  MDB_cursor* cursor() const { return reader_.cursor; }

 private:
  const LmdbOnline& store_;
  Reader reader_;
};

class LmdbOnline::Cursor {
 public:
  Cursor() = default;
  ~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  int Open(MDB_txn* txn, MDB_dbi dbi) { return mdb_cursor_open(txn, dbi, &cursor_); }
  int Get(MDB_val& key, MDB_val& value, MDB_cursor_op op) const { return mdb_cursor_get(cursor_, &key, &value, op); }
  int Put(MDB_val& key, MDB_val& value, unsigned flags) const { return mdb_cursor_put(cursor_, &key, &value, flags); }

 private:
  MDB_cursor* cursor_ = nullptr;
};

LmdbOnline::~LmdbOnline() {
  if (env_ == nullptr) return;
  for (const Reader& reader : idle_) Close(reader);
  mdb_env_close(env_);
}

std::unexpected<Error> LmdbOnline::Failure(std::string_view doing, int code) const {
  const std::string message = fmt::format("online store {}: {}: {}", options_.folder, doing, mdb_strerror(code));
  switch (code) {
    case MDB_MAP_FULL:
      return ResourceExhausted("{} (limit map_bytes = {})", message, options_.map_bytes);
    case MDB_READERS_FULL:
      return ResourceExhausted("{} (limit of {} readers)", message, kReadersMax);
    case ENOSPC:
      return ResourceExhausted("{}; free some space", message);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
      return DataLoss("{}; remove the folder, it is rebuilt from the logbook", message);
    case MDB_PANIC:
      return Unavailable("{}; check the disk, then restart: it is rebuilt from the logbook", message);
    default:
      return Unavailable("{}", message);
  }
}

Status LmdbOnline::Open() {
  SW_TRY(base::MakeFolders(options_.folder));
  SW_TRY(base::OpenFormat(options_.folder, kFormat));
  if (const int code = mdb_env_create(&env_)) return Failure("opening it", code);
  mdb_env_set_mapsize(env_, options_.map_bytes);
  mdb_env_set_maxreaders(env_, kReadersMax);
  // NOTLS: a thread may hold two read transactions, as when a visitor of ForEach reads.
  const unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (options_.durable ? 0u : unsigned{MDB_NOSYNC});
  if (const int code = mdb_env_open(env_, options_.folder.c_str(), flags, 0600)) return Failure("opening it", code);
  int dead = 0;
  mdb_reader_check(env_, &dead);
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_, nullptr, 0, &txn)) return Failure("opening it", code);
  if (const int code = mdb_dbi_open(txn, nullptr, 0, &values_)) {
    mdb_txn_abort(txn);
    return Failure("opening it", code);
  }
  if (const int code = mdb_txn_commit(txn)) return Failure("opening it", code);
  return Ok();
}

void LmdbOnline::Close(const Reader& reader) {
  mdb_cursor_close(reader.cursor);
  mdb_txn_abort(reader.txn);
}

Result<LmdbOnline::Reader> LmdbOnline::BeginRead() const {
  Reader reader;
  {
    const std::lock_guard lock(idle_mutex_);
    if (!idle_.empty()) {
      reader = idle_.back();
      idle_.pop_back();
    }
  }
  if (reader.txn != nullptr) {
    if (mdb_txn_renew(reader.txn) == 0 && mdb_cursor_renew(reader.txn, reader.cursor) == 0) return reader;
    Close(reader);
    reader = {};
  }
  if (const int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader.txn)) return Failure("reading", code);
  if (const int code = mdb_cursor_open(reader.txn, values_, &reader.cursor)) {
    mdb_txn_abort(reader.txn);
    return Failure("reading", code);
  }
  return reader;
}

void LmdbOnline::EndRead(Reader reader) const {
  mdb_txn_reset(reader.txn);
  const std::lock_guard lock(idle_mutex_);
  idle_.push_back(reader);
}

Result<OnlineStore::Values> LmdbOnline::Get(std::span<const std::string> keys) const {
  const ReadTransaction txn(*this, SW_TRY(BeginRead()));
  Values values(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty() || keys[i].size() > kKeyBytesMax) continue;  // never written
    const std::string physical = PhysicalKey(keys[i]);
    MDB_val key = Val(physical);
    MDB_val record{};
    const int code = mdb_get(txn.get(), values_, &key, &record);
    if (code == MDB_NOTFOUND) continue;
    if (code != 0) return Failure("reading", code);
    const auto decoded = DecodeOnlineRecord(physical, View(record));
    if (decoded && decoded->key == keys[i]) values[i] = std::string(decoded->value);
  }
  return values;
}

// A cursor finds a neighbour of what it found last without going down the tree again.
Status LmdbOnline::Visit(std::span<const std::string_view> keys, const std::function<Status(Views)>& visit) const {
  const ReadTransaction txn(*this, SW_TRY(BeginRead()));
  std::vector<std::optional<std::string_view>> values(keys.size());
  std::string hashed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty() || keys[i].size() > kKeyBytesMax) continue;
    const bool is_plain = keys[i].size() <= kOnlineKeyPlainMax;
    if (!is_plain) hashed = PhysicalKey(keys[i]);
    MDB_val key = Val(is_plain ? keys[i] : hashed);
    MDB_val record{};
    const int code = mdb_cursor_get(txn.cursor(), &key, &record, MDB_SET);
    if (code == MDB_NOTFOUND) continue;
    if (code != 0) return Failure("reading", code);
    const auto decoded = DecodeOnlineRecord(is_plain ? keys[i] : hashed, View(record));
    if (decoded && decoded->key == keys[i]) values[i] = decoded->value;
  }
  return visit(values);
}

int LmdbOnline::PutOne(MDB_txn* txn, const OnlineWrite& write) {
  const std::string physical = PhysicalKey(write.key);
  MDB_val key = Val(physical);
  if (!write.value) {
    const int code = mdb_del(txn, values_, &key, nullptr);
    return code == MDB_NOTFOUND ? 0 : code;
  }
  const std::string record = EncodeOnlineRecord(write.key, *write.value);
  MDB_val value = Val(record);
  return mdb_put(txn, values_, &key, &value, 0);
}

Status LmdbOnline::CheckWrites(std::span<const OnlineWrite> writes) {
  for (const OnlineWrite& write : writes) {
    if (write.key.empty() || write.key.size() > kKeyBytesMax) {
      return InvalidArgument("online store: a key has 1 to {} bytes, not {}", kKeyBytesMax, write.key.size());
    }
    if (write.value && write.value->size() > kValueBytesMax) {
      return ResourceExhausted("online store: a value has at most {} bytes, not {}", kValueBytesMax, write.value->size());
    }
  }
  return Ok();
}

Status LmdbOnline::Put(const std::vector<OnlineWrite>& writes) {
  SW_TRY(CheckWrites(writes));
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_, nullptr, 0, &txn)) return Failure("writing", code);
  for (const OnlineWrite& write : writes) {
    if (const int code = PutOne(txn, write)) {
      mdb_txn_abort(txn);
      return Failure("writing", code);
    }
  }
  if (const int code = mdb_txn_commit(txn)) return Failure("writing", code);
  return Ok();
}

int LmdbOnline::MergeOne(MDB_txn* txn, const Cursor& cursor, const OnlineWrite& write, const Wins& wins) {
  if (!write.value) return PutOne(txn, write);
  const bool is_plain = write.key.size() <= kOnlineKeyPlainMax;
  const std::string physical = is_plain ? std::string() : PhysicalKey(write.key);
  const std::string record = is_plain ? std::string() : EncodeOnlineRecord(write.key, *write.value);
  MDB_val key = Val(is_plain ? write.key : physical);
  MDB_val stored{};
  const int code = cursor.Get(key, stored, MDB_SET);
  if (code != 0 && code != MDB_NOTFOUND) return code;
  if (code == 0) {
    const auto decoded = DecodeOnlineRecord(View(key), View(stored));
    if (decoded && decoded->key == write.key && !wins(decoded->value, *write.value)) return 0;
  }
  MDB_val value = Val(is_plain ? *write.value : record);
  return cursor.Put(key, value, 0);
}

// LMDB has one writer at a time, so nothing comes between what is read here and what is written.
Status LmdbOnline::Merge(std::span<const OnlineWrite> writes, const Wins& wins) {
  SW_TRY(CheckWrites(writes));
  MDB_txn* txn = nullptr;
  if (const int code = mdb_txn_begin(env_, nullptr, 0, &txn)) return Failure("writing", code);
  int code = 0;
  {
    Cursor cursor;
    code = cursor.Open(txn, values_);
    for (std::size_t i = 0; code == 0 && i < writes.size(); ++i) code = MergeOne(txn, cursor, writes[i], wins);
  }
  if (code != 0) {
    mdb_txn_abort(txn);
    return Failure("writing", code);
  }
  if (code = mdb_txn_commit(txn); code != 0) return Failure("writing", code);
  return Ok();
}

Status LmdbOnline::ForEach(std::string_view prefix,
                           const std::function<Status(std::string_view, std::string_view)>& visit) const {
  const ReadTransaction txn(*this, SW_TRY(BeginRead()));
  const std::string_view seek = prefix.substr(0, kOnlineKeyPlainMax);
  Cursor cursor;
  if (const int code = cursor.Open(txn.get(), values_)) return Failure("reading", code);
  MDB_val key = Val(seek);
  MDB_val record{};
  int code = cursor.Get(key, record, seek.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0 && View(key).starts_with(seek)) {
    const auto decoded = DecodeOnlineRecord(View(key), View(record));
    if (!decoded) return Failure("reading", MDB_CORRUPTED);
    if (decoded->key.starts_with(prefix)) SW_TRY(visit(decoded->key, decoded->value));
    code = cursor.Get(key, record, MDB_NEXT);
  }
  if (code != 0 && code != MDB_NOTFOUND) return Failure("reading", code);
  return Ok();
}

// In batches, each its own transaction, so that writers wait for a batch at most.
Status LmdbOnline::DeletePrefix(std::string_view prefix) {
  std::vector<OnlineWrite> doomed;
  SW_TRY(ForEach(prefix, [&](std::string_view key, std::string_view) -> Status {
    doomed.push_back({std::string(key), std::nullopt});
    if (doomed.size() < kDeleteBatch) return Ok();
    Status deleted = Put(doomed);
    doomed.clear();
    return deleted;
  }));
  return doomed.empty() ? Ok() : Put(doomed);
}

// Refuses once LMDB has panicked: its file may be torn, and must not be called clean.
Status LmdbOnline::Sync() {
  EndRead(SW_TRY(BeginRead()));
  if (const int code = mdb_env_sync(env_, 1)) return Failure("syncing", code);
  return base::SyncFolder(options_.folder);
}

}  // namespace

Result<std::unique_ptr<OnlineStore>> OpenLmdbOnline(const LmdbOptions& options) {
  auto store = std::make_unique<LmdbOnline>(options);
  SW_TRY(store->Open());
  return store;
}

}  // namespace sw::store
