use strict;
use warnings;
$| = 1;
my @children;
for my $n (1 .. 5) {
  pipe(my $read, my $write) or die;
  my $pid = fork // die "fork: $!";
  if ($pid == 0) { close $read; my $sum = 0; $sum += $_ for 1 .. $n * 10000; print $write "$n: $sum\n"; close $write; exit $n }
  close $write;
  push @children, [$pid, $read];
}
for (@children) { my ($pid, $read) = @$_; print while <$read>; waitpid $pid, 0; print 'status ', $? >> 8, "\n" }
my $caught = 0;
$SIG{USR1} = sub { $caught++ };
kill 'USR1', $$ for 1 .. 3;
print "caught $caught\n";
my $pid = fork;
if (!$pid) { sleep 100; exit }
kill 'TERM', $pid;
waitpid $pid, 0;
print 'signal ', $? & 127, "\n";
open my $pipe, '-|', 'seq', 1, 5 or die;
print map { "> $_" } <$pipe>;
close $pipe;
exec 'echo', 'last words';
