#include "data/arrow_stream.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace sw::data {
namespace {

Batch Rows() {
  Batch batch(Schema{{{"flag", Type::kBool}, {"count", Type::kInt64}, {"x", Type::kFloat64}, {"word", Type::kString}, {"at", Type::kTimestamp}}});
  for (int i = 0; i < 50; ++i) {
    batch.column(0).AppendBool(i % 2 == 0);
    batch.column(1).AppendInt(i * 1'000'000'007LL);
    batch.column(2).AppendDouble(i / 7.0);
    batch.column(3).AppendString(std::string(static_cast<std::size_t>(i), 'w'));
    batch.column(4).AppendInt(1'700'000'000'000'000 + i);
  }
  for (std::size_t c = 0; c < 5; ++c) batch.column(c).AppendNull();
  return batch;
}

TEST(ArrowStream, ABatchComesBack) {
  const Batch rows = Rows();
  const Batch back = DecodeArrowStream(EncodeArrowStream(rows).value()).value();
  ASSERT_EQ(back.num_rows(), rows.num_rows());
  for (std::size_t c = 0; c < rows.num_columns(); ++c) {
    EXPECT_EQ(back.schema().fields[c].name, rows.schema().fields[c].name);
    EXPECT_EQ(back.column(c), rows.column(c)) << c;
  }
}

TEST(ArrowStream, EmptyIsFine) {
  const Batch none(Schema{{{"x", Type::kFloat64}}});
  EXPECT_EQ(DecodeArrowStream(EncodeArrowStream(none).value())->num_rows(), 0U);
}

TEST(ArrowStream, KeepsTheLimitOfRows) {
  const std::string bytes = EncodeArrowStream(Rows()).value();
  EXPECT_TRUE(DecodeArrowStream(bytes, {.rows_max = 51}));
  EXPECT_EQ(DecodeArrowStream(bytes, {.rows_max = 50}).error().code, ErrorCode::kResourceExhausted);
}

TEST(ArrowStream, DamagedBytesAreAnErrorOrASoundBatch) {
  const std::string good = EncodeArrowStream(Rows()).value();
  base::Random random(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int edits = 0; edits < 3; ++edits) bad[random.Below(bad.size())] = static_cast<char>(random.Below(256));
    if (i % 5 == 0) bad.resize(random.Below(bad.size()));
    const auto batch = DecodeArrowStream(bad, {.rows_max = 1000});
    refused += batch ? 0 : 1;
    if (!batch) continue;
    EXPECT_TRUE(batch->Check());
    for (std::size_t c = 0; c < batch->num_columns(); ++c) {
      for (std::size_t r = 0; r < batch->num_rows(); ++r) batch->column(c).ToText(r);
    }
  }
  EXPECT_GT(refused, 500);
  for (const std::string& bad : {std::string(), std::string("no stream"), std::string(64, '\xff'), std::string(64, '\0')}) {
    EXPECT_FALSE(DecodeArrowStream(bad).has_value() && DecodeArrowStream(bad)->num_columns() > 0);
  }
}

}  // namespace
}  // namespace sw::data
