#include "api/feast/flight_spool.h"

#include "base/errors.h"
#include "base/hash.h"

namespace sw::feast {

std::string FlightSpool::TicketOf(const Caller& caller, std::string_view command) {
  std::string text = caller.workspace + '\0' + caller.principal + '\0';
  return base::Sha256Hex(text.append(command));
}

void FlightSpool::Forget() {
  const TimeUs now = clock_.Now();
  std::erase_if(held_, [&](const auto& each) {
    if (each.second.until > now) return false;
    bytes_ -= each.second.bytes;
    return true;
  });
}

Status FlightSpool::Put(const std::string& ticket, FlightUpload upload) {
  const std::size_t bytes = upload.command.size() + upload.table.bytes();
  const std::lock_guard lock(mutex_);
  Forget();
  if (const auto old = held_.find(ticket); old != held_.end()) {
    bytes_ -= old->second.bytes;
    held_.erase(old);
  }
  if (held_.size() >= limits_.uploads_max) return ResourceExhausted("limit flight_uploads_max: {} uploads wait for somebody to ask for their answer", held_.size());
  if (bytes_ + bytes > limits_.bytes_max) return ResourceExhausted("limit flight_spool_bytes_max: uploads that wait for their answer take {} of {} bytes; try again later", bytes_, limits_.bytes_max);
  bytes_ += bytes;
  held_[ticket] = {std::make_shared<const FlightUpload>(std::move(upload)), bytes, clock_.Now() + limits_.keep};
  return Ok();
}

std::shared_ptr<const FlightUpload> FlightSpool::Find(const std::string& ticket) {
  const std::lock_guard lock(mutex_);
  Forget();
  const auto found = held_.find(ticket);
  return found == held_.end() ? nullptr : found->second.upload;
}

void FlightSpool::Remove(const std::string& ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(ticket);
  if (found == held_.end()) return;
  bytes_ -= found->second.bytes;
  held_.erase(found);
}

std::vector<std::string> FlightSpool::CommandsOf(const Caller& caller) {
  const std::lock_guard lock(mutex_);
  Forget();
  std::vector<std::string> commands;
  for (const auto& [ticket, held] : held_) {
    if (TicketOf(caller, held.upload->command) == ticket) commands.push_back(held.upload->command);
  }
  return commands;
}

}  // namespace sw::feast
