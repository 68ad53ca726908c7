#include "data/limited_pool.h"

#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <string>

namespace sw::data {
namespace {

class LimitedPool final : public arrow::MemoryPool {
 public:
  explicit LimitedPool(std::int64_t bytes_max) : bytes_max_(bytes_max) {}

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(Check(size));
    return pool_.Allocate(size, alignment, out);
  }
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment, std::uint8_t** ptr) override {
    ARROW_RETURN_NOT_OK(Check(new_size - old_size));
    return pool_.Reallocate(old_size, new_size, alignment, ptr);
  }
  void Free(std::uint8_t* buffer, std::int64_t size, std::int64_t alignment) override { pool_.Free(buffer, size, alignment); }
  std::int64_t bytes_allocated() const override { return pool_.bytes_allocated(); }
  std::int64_t total_bytes_allocated() const override { return pool_.total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return pool_.num_allocations(); }
  std::string backend_name() const override { return pool_.backend_name(); }

 private:
  arrow::Status Check(std::int64_t more) const {
    if (more <= bytes_max_ - pool_.bytes_allocated()) return arrow::Status::OK();
    return arrow::Status::CapacityError("limit: an Arrow stream may take ", bytes_max_, " bytes to read");
  }

  arrow::ProxyMemoryPool pool_{arrow::default_memory_pool()};
  std::int64_t bytes_max_;
};

}  // namespace

std::shared_ptr<arrow::MemoryPool> MakeLimitedPool(std::int64_t bytes_max) { return std::make_shared<LimitedPool>(bytes_max); }

}  // namespace sw::data
