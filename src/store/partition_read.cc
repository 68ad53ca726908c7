// Partition's reading side: plans under the lock, reads files without it.
#include <algorithm>

#include "base/errors.h"
#include "base/files.h"
#include "store/partition.h"

namespace sw::store {
namespace {

// Frames of `wal` from the one with `offset` on, until there are enough rows or bytes.
std::vector<WalFrame> FramesAt(const Wal& wal, std::int64_t offset, std::int64_t to, std::size_t rows_max,
                               std::uint64_t bytes_max) {
  std::vector<WalFrame> frames;
  std::uint64_t bytes = 0;
  auto it = std::upper_bound(wal.frames.begin(), wal.frames.end(), offset,
                             [](std::int64_t at, const WalFrame& frame) { return at < frame.end(); });
  for (; it != wal.frames.end() && it->first_offset < to; ++it) {
    if (!frames.empty() && bytes + it->bytes > bytes_max) break;
    frames.push_back(*it);
    bytes += it->bytes;
    if (static_cast<std::uint64_t>(it->end() - offset) >= rows_max) break;
  }
  return frames;
}

}  // namespace

Result<std::vector<WalRows>> ReadWalFrames(const std::string& path, const std::vector<WalFrame>& frames) {
  if (frames.empty()) return std::vector<WalRows>{};
  const base::File file = SW_TRY(base::File::OpenForRead(path));
  const std::size_t size = frames.back().at + frames.back().bytes - frames.front().at;
  Result<std::size_t> read = 0;
  std::string bytes;
  bytes.resize_and_overwrite(size, [&](char* into, std::size_t) {
    read = file.ReadAt(frames.front().at, into, size);
    return read.value_or(0);
  });
  const std::size_t got = SW_TRY(read);
  if (got < size) {
    return DataLoss("{} ends at offset {}, before rows that were written; restore the file from a copy", path,
                    frames.front().at + got);
  }
  std::vector<WalRows> rows;
  for (const WalFrame& frame : frames) {
    const std::string_view part = std::string_view(bytes).substr(frame.at - frames.front().at, frame.bytes);
    rows.push_back(SW_TRY(DecodeWalFrame(part, path, frame.at)));
  }
  return rows;
}

Status ForEachWalFrame(const std::string& path, std::span<const WalFrame> frames, std::uint64_t bytes_max,
                       const std::function<Status(const WalRows&)>& take) {
  while (!frames.empty()) {
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < frames.size() && bytes < bytes_max;) bytes += frames[count++].bytes;
    for (const WalRows& frame : SW_TRY(ReadWalFrames(path, {frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(count)}))) {
      SW_TRY(take(frame));
    }
    frames = frames.subspan(count);
  }
  return Ok();
}

Partition::Plan Partition::PlanAt(std::int64_t offset, std::int64_t to, std::size_t rows_max) const {
  const std::lock_guard lock(mutex_);
  Plan plan;
  plan.end = next_offset_;
  auto it = segments_.upper_bound(offset);
  if (it != segments_.begin() && std::prev(it)->second.end > offset) --it;
  if (it != segments_.end()) {
    if (it->first < to) plan.segment = it->second;
    return plan;
  }
  offset = std::max(offset, sealed_end_);  // a file being sealed holds sealed rows too
  for (const std::shared_ptr<Wal>& wal : full_) {
    plan.frames = FramesAt(*wal, offset, to, rows_max, kReadBytesMax);
    plan.wal_path = wal->path;
    if (!plan.frames.empty()) return plan;
  }
  if (active_) {
    plan.frames = FramesAt(*active_, offset, to, rows_max, kReadBytesMax);
    plan.wal_path = active_->path;
  }
  return plan;
}

Result<std::vector<RowsPiece>> Partition::Load(const Plan& plan) const {
  std::vector<RowsPiece> pieces;
  if (plan.segment) {
    auto rows = SW_TRY(context_.cache.Load(folder_, *plan.segment));
    const std::size_t count = rows->rows.num_rows();
    pieces.push_back({std::move(rows), 0, count});
    return pieces;
  }
  for (WalRows& frame : SW_TRY(ReadWalFrames(plan.wal_path, plan.frames))) {
    const std::size_t count = frame.rows.num_rows();
    pieces.push_back(
        {std::make_shared<const StoredRows>(StoredRows{frame.first_offset, std::move(frame.rows)}), 0, count});
  }
  return pieces;
}

Result<PiecesRead> Partition::Read(std::int64_t from, std::int64_t to, std::size_t rows_max) const {
  PiecesRead out{{}, from};
  int gone = 0;  // times that a planned file had been sealed, rewritten or dropped meanwhile
  while (out.next < to && rows_max > 0) {
    const Plan plan = PlanAt(out.next, to, rows_max);
    if (plan.empty()) {  // what is missing before the end was dropped by retention
      out.next = std::max(out.next, std::min(to, plan.end));
      break;
    }
    Result<std::vector<RowsPiece>> pieces = Load(plan);
    if (!pieces) {
      if (pieces.error().code == ErrorCode::kNotFound && ++gone < 100) continue;
      return std::unexpected(std::move(pieces).error());
    }
    for (RowsPiece& piece : *pieces) {
      const std::int64_t first = piece.rows->first_offset;
      const std::int64_t begin = std::max(out.next, first);
      const std::int64_t end = std::min(to, first + static_cast<std::int64_t>(piece.count));
      if (begin >= end || rows_max == 0) continue;
      piece.begin = static_cast<std::size_t>(begin - first);
      piece.count = std::min(static_cast<std::size_t>(end - begin), rows_max);
      rows_max -= piece.count;
      out.next = begin + static_cast<std::int64_t>(piece.count);
      out.pieces.push_back(std::move(piece));
    }
  }
  return out;
}

}  // namespace sw::store
