# Functions of the scripts beside it: a Debian in a folder of its own, booted in QEMU. As root on Debian.
#
#   apt-get install mmdebstrap qemu-system-x86 e2fsprogs
#
# It is emulated, whatever the machine: ACCELERATOR=kvm is faster where that works.

folder=$(mktemp --directory)
chmod 755 "$folder"
root=$folder/root
trusted=/etc/ssl/certs/ca-certificates.crt
finish() {
    umount --quiet "$root/proc" 2>/dev/null || true
    rm --recursive --force --one-file-system "$folder"
}
trap finish EXIT

# make_debian SUITE PACKAGES
make_debian() {
    echo "Making Debian $1"
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64 \
        --include=ca-certificates,curl,openssl --include="$2" "$1" "$root" http://deb.debian.org/debian
    echo "127.0.0.1 localhost" >"$root/etc/hosts"
    mount --types proc proc "$root/proc"
}

# boot SCRIPT WORDS: run the script in it, as root; it must write a line that begins with these words.
boot() {
    umount "$root/proc"
    install --mode 755 "$1" "$root/usr/local/sbin/booted"
    cat >"$root/etc/systemd/system/booted.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/booted
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=default.target
UNIT
    SYSTEMD_OFFLINE=1 chroot "$root" systemctl enable --quiet booted
    echo "Booting it"
    cp "$root"/boot/vmlinuz-* "$folder/kernel"
    cp "$root"/boot/initrd.img-* "$folder/initrd"
    truncate --size 6G "$folder/disk"
    mke2fs -q -t ext4 -d "$root" "$folder/disk"
    # Without a login on the same line, which would end what writes there.
    timeout --foreground 1800 qemu-system-x86_64 -accel "${ACCELERATOR:-tcg,thread=multi}" -cpu max -smp 2 -m 2048 \
        -nographic -nic none -no-reboot -kernel "$folder/kernel" -initrd "$folder/initrd" \
        -append "root=/dev/vda rw console=ttyS0 quiet systemd.mask=serial-getty@ttyS0.service" \
        -drive "file=$folder/disk,format=raw,if=virtio" </dev/null | tee "$folder/log"
    grep --quiet "^$2" "$folder/log"
}
