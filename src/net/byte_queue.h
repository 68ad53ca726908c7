// ByteQueue: bytes that wait to leave: added at the back, taken from the front. Internal to net. A value.
//
// Of the memory it holds at most half is for bytes that were taken: a queue that is never quite empty does
// not grow with what has gone through it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sw::net {

class ByteQueue {
 public:
  std::string& Back() { return bytes_; }  // to append to
  std::string_view Waiting() const { return std::string_view(bytes_).substr(taken_); }
  std::size_t size() const { return bytes_.size() - taken_; }
  bool empty() const { return size() == 0; }
  void Take(std::size_t bytes) {
    taken_ += bytes;
    if (2 * taken_ < bytes_.size()) return;
    bytes_.erase(0, taken_);
    taken_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace sw::net
