// How the online store holds the rows of an entity.
//
// Windows: the view's columns of each chunk of event time (an hour, a day, 30 days: by the view's
// longest window) under one key. A read takes the chunks that its windows touch. Features over all of
// the history: one lifetime record a key, of bounded length (feature/lifetime.h). Rows that are not
// available yet are there too, and the kernel hides them.
//
// Version 0, little-endian: version:u8 reader_min:u8 columns:u16 rows:u32, event_time:i64[rows]
// available_at:i64[rows] tie:u64[rows], then each column: type:u8 has_nulls:u8 [null:u8[rows]], then
// i64[rows], f64[rows], or size:u32[rows] and the bytes. Plain arrays: a read is mostly memcpy, and
// chunks are rewritten whole. Immutable functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feature/history.h"
#include "feature/plan.h"

namespace sw::feature {

std::int64_t ChunkOf(const ViewPlan& view, TimeUs time);
std::string ChunkKey(const ViewPlan& view, std::string_view entity_key, std::int64_t chunk);
std::string LifetimeKey(const ViewPlan& view, std::string_view entity_key);
// Where it is written how many rows of the source's stream the view's values hold, in the transaction that writes them.
std::string OffsetKey(const ViewPlan& view);
// 0 where nothing was written.
std::int64_t ParseOffset(const std::optional<std::string>& value);

std::string EncodeHistory(const History& rows);
// Appends the rows, which are later than those of `into`. DATA_LOSS when the bytes are not of the
// view's columns; a column of nulls fits any type.
Status DecodeHistory(std::string_view bytes, History& into);

}  // namespace sw::feature
