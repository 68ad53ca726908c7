#include "flow/served_ids.h"

#include <algorithm>

namespace sw::flow {

Status ServedIds::ReadTo(std::int32_t partition, std::int64_t end) {
  std::int64_t& from = read_[partition];
  while (from < end) {
    const store::LogChunk chunk = SW_TRY(logbook_.Read(
        {.stream = stream_, .partition = partition, .from = from, .to = end, .columns = {{"version", data::Type::kInt64}}}));
    for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
      if (chunk.rows.event_time[row] < since_) continue;
      const auto [place, is_new] = ids_.insert(chunk.rows.id[row]);
      if (is_new) in_order_.push_back({chunk.rows.event_time[row], &*place});
    }
    from = std::max(from + 1, chunk.next);
  }
  return Ok();
}

Status ServedIds::CatchUp(TimeUs now) {
  is_followed_ = true;
  since_ = std::max(since_, now - kept_for_);
  const auto end = logbook_.End(stream_);
  if (!end && end.error().code == ErrorCode::kNotFound) return Ok();  // nothing was ever logged
  if (!end) return std::unexpected(end.error());
  for (const auto& [partition, offset] : *end) SW_TRY(ReadTo(partition, offset));
  while (!in_order_.empty() && in_order_.front().time < since_) {
    ids_.erase(*in_order_.front().id);
    in_order_.pop_front();
  }
  return Ok();
}

}  // namespace sw::flow
