find d | sort | cpio -o -H newc --reproducible --quiet >archive
cpio -t --quiet <archive
mkdir out && cd out && cpio -id --quiet <../archive
diff -r d ../d && echo same
rm ../archive
